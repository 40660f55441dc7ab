"""`PairRecipe`: how a training draws the frames of a pair, cuts them out and varies them, as figures with names."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

from compress.core import Registry, UsageError

LabelCentre = Literal["continuous", "pixel"]
"""Where the centre of a crop of S pixels lies in labels.

- `continuous`: at S/2, where the tracking loop maps boxes back from.
- `pixel`: at (S − 1)/2, as the published trainings have it, though their trackers map back from S/2.
"""

_VERSION = 2
"""Counts up when other pairs are drawn for the same figures and the same seed."""


@dataclass(frozen=True)
class Jitter:
    """How far the box that a crop is cut around is off the target's.

    Attributes:
        centre: The centre moves along each axis by up to half of this times the square root of the jittered area.
        scale: Each side is multiplied by exp(scale·N(0, 1)).
        cut: Deviations at which N(0, 1) is cut; None for nowhere, as published.
    """

    centre: float = 0.0
    scale: float = 0.0
    cut: float | None = None


@dataclass(frozen=True)
class PairRecipe:
    """How pairs are drawn, cut out and varied. The defaults are the project's own; `PAIR_RECIPES` has published ones.

    Attributes:
        sampler: Name of what draws the frames, see `FRAME_SAMPLERS`.
        max_gap: Most frames between the crops of a pair, as the sampler counts them.
        gap_growth: By how much the causal sampler widens the gap after each draw without a visible frame.
        templates: Templates of a pair.
        min_frames, min_visible: A sequence with fewer frames, or fewer that show the target, is not drawn from. A
            sequence of one frame is an image, and both crops come from it.
        template_jitter, search_jitter: Of the box that each crop is cut around.
        grayscale: Probability that a pair loses its colour.
        brightness: Each crop is multiplied by a factor drawn evenly from 1 ± this.
        flip: Probability that a pair is mirrored.
        crop_flip: Probability that a crop is mirrored by itself.
        negatives: Share of the pairs whose search frame does not show the target, see `Pairs.shows`.
        label_centre: See `LabelCentre`.
        mask_stride: A crop is rejected where none of its pixels in rows and columns 0, `mask_stride`, … lies in the
            frame; 1 rejects those that show nothing of the frame.
        min_in_frame: Least share of a target's box that lies in the frame.
        min_in_crop: Least share of the target's box that lies in the search crop.
        max_crop: Most of a crop's side over the frame's longer side; None for any.
        reduced: Decode JPEG files at 1/2, 1/4 or 1/8 of their scale where the crop needs no enlarging then.

    Raises:
        UsageError: a figure out of its range.
    """

    sampler: str = "nearby"
    max_gap: int = 100
    gap_growth: int = 5
    templates: int = 1
    min_frames: int = 2
    min_visible: int = 2
    template_jitter: Jitter = Jitter()
    search_jitter: Jitter = Jitter(3.0, 0.25, cut=2.5)
    grayscale: float = 0.0
    brightness: float = 0.0
    flip: float = 0.0
    crop_flip: float = 0.0
    negatives: float = 0.0
    label_centre: LabelCentre = "continuous"
    mask_stride: int = 1
    min_in_frame: float = 0.0
    min_in_crop: float = 0.0
    max_crop: float | None = None
    reduced: bool = False
    version: int = field(default=_VERSION, init=False)

    def __post_init__(self) -> None:
        for name in ("max_gap", "gap_growth", "templates", "min_frames", "min_visible", "mask_stride"):
            self._check(name, 1, math.inf)
        for name in ("grayscale", "brightness", "flip", "crop_flip", "negatives", "min_in_frame", "min_in_crop"):
            self._check(name, 0, 1)
        if self.max_crop is not None:
            self._check("max_crop", 0, math.inf)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> PairRecipe:
        """Of what `dataclasses.asdict` makes of one."""
        values = {each.name: data[each.name] for each in fields(cls) if each.init}
        jitters = {name: Jitter(**values[name]) for name in ("template_jitter", "search_jitter")}
        return cls(**{**values, **jitters})

    def figures(self) -> dict[str, Any]:
        """What differs from the default, for a person to read."""
        default = asdict(PairRecipe())
        return {name: value for name, value in asdict(self).items() if value != default[name]}

    def _check(self, name: str, low: float, high: float) -> None:
        value = getattr(self, name)
        if not low <= value <= high:
            limits = f"at least {low}" if high == math.inf else f"from {low} to {high}"
            raise UsageError(f"{name} of a recipe of pairs must be {limits} but is {value}.")


PAIR_RECIPES = Registry[PairRecipe]("recipe of pairs")
"""By name: `default`, and the figures of published codes; docs/pairs.md has them side by side."""

_OSTRACK = PairRecipe(
    sampler="causal",
    max_gap=200,
    min_frames=20,
    min_visible=5,
    search_jitter=Jitter(3.0, 0.25),
    grayscale=0.05,
    brightness=0.2,
    flip=0.5,
    crop_flip=0.5,
    label_centre="pixel",
    mask_stride=16,
    reduced=True,
)
_MIXFORMER = replace(_OSTRACK, search_jitter=Jitter(4.5, 0.5), templates=2, min_visible=7)

PAIR_RECIPES.register("default", PairRecipe())
PAIR_RECIPES.register("ostrack", _OSTRACK)
PAIR_RECIPES.register("ostrack384", replace(_OSTRACK, search_jitter=Jitter(4.5, 0.5)))
PAIR_RECIPES.register("litetrack", replace(_OSTRACK, crop_flip=0.0))
PAIR_RECIPES.register("mixformer", _MIXFORMER)
PAIR_RECIPES.register("mixformer-score", replace(_MIXFORMER, sampler="trident_pro", negatives=0.5))
PAIR_RECIPES.register("hit", replace(_OSTRACK, search_jitter=Jitter(3.5, 0.5)))
