"""Training pairs: what a batch of them holds, at what sizes they are cut out, and around which boxes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compress.core import TrackerSpec


@dataclass(frozen=True)
class Pairs:
    """A batch of template and search crops.

    Attributes:
        template: (B, T, T, 3) RGB uint8.
        search: (B, S, S, 3) RGB uint8.
        boxes: (B, 4) cx, cy, w, h of the target in the search crop, as a share of its side.
        scenes: (B,) numbers the scene a pair shows, rising: any template and any search crop of one scene show the same
            target.
    """

    template: NDArray[np.uint8]
    search: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    scenes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.boxes)


@dataclass(frozen=True)
class PairSizes:
    """How pairs are cut out.

    Attributes:
        template_size, search_size: Sides of the crops in pixels.
        template_factor, search_factor: Side of a crop over the square root of its box's area.
    """

    template_size: int = 64
    search_size: int = 128
    template_factor: float = 2.0
    search_factor: float = 4.0

    @classmethod
    def of(cls, spec: TrackerSpec) -> PairSizes:
        """The sizes that a tracker takes."""
        return cls(spec.template_size, spec.search_size, spec.template_factor, spec.search_factor)


def jittered(rng: np.random.Generator, box: NDArray[np.float64]) -> NDArray[np.float64]:
    """A box (4,) x, y, w, h moved and scaled by OSTrack's training jitter, as a tracker's own last box is off.

    Sides are multiplied by exp(0.25·N(0, 1)), cut at 2.5 deviations; then the centre moves by up to 1.5 times the
    square root of the new area along each axis.
    """
    out = box.copy()
    out[2:] *= np.exp(0.25 * np.clip(rng.standard_normal(2), -2.5, 2.5))
    reach = 3.0 * math.sqrt(out[2] * out[3])
    out[:2] = box[:2] + box[2:] / 2 + reach * (rng.random(2) - 0.5) - out[2:] / 2
    return out
