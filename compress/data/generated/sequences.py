"""Generated sequences: deterministic from a seed, identical on every machine, each with a named difficulty."""

from __future__ import annotations

from collections.abc import Sequence as Items
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compress.data.generated.difficulty import DIFFICULTIES, Levels, levels_of
from compress.data.generated.random_scene import make_scene
from compress.data.generated.raster import Image
from compress.data.generated.scene import Scene, View

_VISIBLE = 0.15
"""Below this visible share the target counts as absent, as a frame of cover 0 does in GOT-10k."""

SPLITS = {"test": 1_000_003, "validation": 2_000_003, "search": 3_000_017}


class GeneratedSequence:
    """One generated video with exact boxes. The scene is made, and frames are drawn, when asked for.

    Args:
        seed: Everything random is drawn from it.
        name: The sequence's name.
        levels: Level of each difficulty.
        length: Number of frames.
        width, height: Frame size in pixels.
    """

    def __init__(
        self,
        seed: int,
        *,
        name: str,
        levels: Levels,
        length: int = 60,
        width: int = 320,
        height: int = 240,
        images: Items[Image] = (),
    ) -> None:
        self.name = name
        self.seed = seed
        self.width, self.height = width, height
        self._length, self._levels, self._images = length, levels, images

    def __len__(self) -> int:
        return self._length

    @property
    def recipe(self) -> list[Any]:
        """What it is drawn from, but for images, as plain data."""
        return [self.seed, dict(self._levels), self._length, self.width, self.height]

    @cached_property
    def _scene(self) -> Scene:
        return _usable_scene(self.seed, self._levels, self._length, self.width, self.height, self._images)

    def frame(self, index: int) -> Image:
        """(height, width, 3) RGB."""
        if not 0 <= index < self._length:
            raise IndexError(f"{self.name} has frames 0 to {self._length - 1}, not {index}")
        return self._scene.draw(index, View((1.0, 0.0, 0.0, 0.0, 1.0, 0.0), self._scene.width, self._scene.height))

    @property
    def boxes(self) -> NDArray[np.float64]:
        """(n, 4) x, y, w, h of the visible pixels; zeros where none is."""
        return self._truth[0]

    @property
    def visible(self) -> NDArray[np.bool_]:
        """(n,) whether enough of the target shows to be tracked."""
        return self._truth[1]

    @cached_property
    def _truth(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        found = [self._scene.box(t) for t in range(self._length)]
        return np.array([box for box, _ in found]), np.array([share >= _VISIBLE for _, share in found])


def generated_sequences(
    *, split: str = "test", per_difficulty: int = 2, length: int = 60, images: Items[Image] = ()
) -> list[GeneratedSequence]:
    """`per_difficulty` sequences of each named difficulty and as many mixed ones; splits share no scene."""
    out = []
    for name in (*DIFFICULTIES, "mixed"):
        for k in range(per_difficulty):
            # The seed hangs on the names alone, so adding a difficulty or a sequence changes no other one.
            seed = SPLITS[split] + sum(ord(c) * 131**i for i, c in enumerate(name)) % 1_000_000_007 * 64 + k
            out.append(
                GeneratedSequence(seed, name=f"{name}-{k + 1}", levels=levels_of(name), length=length, images=images)
            )
    return out


def _usable_scene(seed: int, levels: Levels, length: int, width: int, height: int, images: Items[Image]) -> Scene:
    for attempt in range(100):
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, attempt])))
        scene = make_scene(rng, levels, width=width, height=height, length=length, images=images)
        box, share = scene.box(0)
        if share > 0.9 and min(box[2:]) >= 8:
            return scene
    raise RuntimeError(f"no usable scene in 100 attempts from seed {seed}")
