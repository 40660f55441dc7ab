"""Training pairs: what a batch of them holds, and at what sizes they are cut out."""

from __future__ import annotations

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
