"""What the crops of a pair are of: frames of a sequence, and for a pair without its target a frame of another."""

from __future__ import annotations

from collections.abc import Sequence as Items
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compress.data.pairs.frames import FrameCache
from compress.data.pairs.recipe import PairRecipe
from compress.data.pairs.samplers import FRAME_SAMPLERS, DrawnFrames
from compress.data.sequence import Sequence

_ABSENT = 1 / 8
"""Side of the box in the middle of a frame without target that a search crop is cut around, over the frame's."""


@dataclass(frozen=True)
class View:
    """A frame, and the box (4,) x, y, w, h in it that a crop is cut around."""

    sequence: Sequence
    index: int
    box: NDArray[np.float64]

    @property
    def key(self) -> tuple[int, int]:
        """Equal for views of one frame."""
        return id(self.sequence), self.index


class Views(NamedTuple):
    """Of a pair, that of the search crop last.

    Attributes:
        shows: Whether the search frame is of the templates' target.
    """

    views: list[View]
    shows: bool


def drawn_views(
    rng: np.random.Generator, sequences: Items[Sequence], number: int, recipe: PairRecipe, cache: FrameCache
) -> Views | None:
    """What a pair of the sequence `number` shows; None where nothing of it can be learned from.

    Of the pairs without their target, as MixFormer's score head learns from, the search crop is of a frame of the
    sequence that does not show it, around the middle; or where all do, around the target of another sequence.
    """
    sequence = sequences[number]
    drawn = _frames(rng, sequence, recipe)
    if drawn is None:
        return None
    views = [View(sequence, index, sequence.boxes[index]) for index in (*drawn.templates, drawn.search)]
    if not recipe.negatives or rng.random() >= recipe.negatives:
        return Views(views, shows=True)
    other = _without_target(rng, sequence, cache) or _of_another(rng, sequences, number)
    return None if other is None else Views([*views[:-1], other], shows=False)


def shown_frames(sequence: Sequence) -> NDArray[np.bool_]:
    """(n,) whether a frame shows the target, with a box that has an area."""
    return np.asarray(sequence.visible & (sequence.boxes[:, 2:] > 0).all(axis=1))


def _frames(rng: np.random.Generator, sequence: Sequence, recipe: PairRecipe) -> DrawnFrames | None:
    """The frames of a pair; both crops of an image, which is a sequence of one frame, come from it."""
    shown = shown_frames(sequence)
    if len(shown) == 1:
        return DrawnFrames((0,) * recipe.templates, 0) if shown[0] else None
    if len(shown) < recipe.min_frames or np.count_nonzero(shown) < recipe.min_visible:
        return None
    return FRAME_SAMPLERS[recipe.sampler](rng, shown, recipe)


def _without_target(rng: np.random.Generator, sequence: Sequence, cache: FrameCache) -> View | None:
    hidden = np.flatnonzero(~sequence.visible)
    if not hidden.size:
        return None
    index = int(rng.choice(hidden))
    frame = cache.frame(sequence, index, 1)
    size = np.array([frame.width, frame.height]) * _ABSENT
    return View(sequence, index, np.concatenate([(np.array([frame.width, frame.height]) - size) / 2, size]))


def _of_another(rng: np.random.Generator, sequences: Items[Sequence], number: int) -> View | None:
    if len(sequences) < 2:
        return None
    other = sequences[int((number + rng.integers(1, len(sequences))) % len(sequences))]
    shown = np.flatnonzero(shown_frames(other))
    if not shown.size:
        return None
    index = int(rng.choice(shown))
    return View(other, index, other.boxes[index])
