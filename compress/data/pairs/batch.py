"""What a batch of training pairs holds, and how it is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compress.core import TrackerSpec
from compress.data.pairs.recipe import PairRecipe


@dataclass(frozen=True)
class Pairs:
    """A batch of template and search crops.

    Attributes:
        template: (B, T, T, 3) RGB uint8.
        search: (B, S, S, 3) RGB uint8.
        boxes: (B, 4) cx, cy, w, h of the target in the search crop, as a share of its side.
        scenes: (B,) numbers the scene a pair shows, rising: any template and any search crop of one scene show the same
            target.
        more_templates: (B, n − 1, T, T, 3) RGB uint8, where a recipe asks for n > 1 templates, such as MixFormer's
            second one; None for one.
        shows: (B,) whether the search crop is of the templates' target; of those that are not, boxes mean nothing. None
            where all are, which only a recipe with `negatives` changes.
    """

    template: NDArray[np.uint8]
    search: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    scenes: NDArray[np.int64]
    more_templates: NDArray[np.uint8] | None = None
    shows: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.boxes)

    def arrays(self) -> dict[str, Any]:
        """What there is, by the names of the attributes."""
        return {name: values for name, values in vars(self).items() if values is not None}


@dataclass(frozen=True)
class PairSizes:
    """How pairs are made: the sizes that a tracker takes, and the recipe of frames, jitter and augmentation.

    Attributes:
        template_size, search_size: Sides of the crops in pixels.
        template_factor, search_factor: Side of a crop over the square root of its box's area.
        recipe: See `PairRecipe`.
    """

    template_size: int = 64
    search_size: int = 128
    template_factor: float = 2.0
    search_factor: float = 4.0
    recipe: PairRecipe = field(default_factory=PairRecipe)

    @classmethod
    def of(cls, spec: TrackerSpec, recipe: PairRecipe | None = None) -> PairSizes:
        """The sizes that a tracker takes; with the default recipe where none is given."""
        sizes = (spec.template_size, spec.search_size, spec.template_factor, spec.search_factor)
        return cls(*sizes, PairRecipe() if recipe is None else recipe)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> PairSizes:
        """Of what `dataclasses.asdict` makes of one."""
        return cls(**{**data, "recipe": PairRecipe.from_dict(data["recipe"])})
