"""Which frames of a sequence make a pair: the samplers of the published trainings, and the project's own.

One is added from outside by one registration; a recipe then names it:

    @FRAME_SAMPLERS.register("first")
    def first(rng, shown, recipe):
        return DrawnFrames((0,) * recipe.templates, search=int(rng.integers(len(shown))))
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from compress.core import Registry
from compress.data.pairs.recipe import PairRecipe

_TRIES = 100
"""Draws of a trident without a frame for its further templates, after which the sequence is given up."""

Shown = NDArray[np.bool_]


class DrawnFrames(NamedTuple):
    """Numbers of the frames of a pair: those of its templates, the first one first, and that of its search crop."""

    templates: tuple[int, ...]
    search: int


class FrameSampler(Protocol):
    """Draws the frames of one pair.

    Args:
        shown: (n,) whether each frame of the sequence shows the target; of n > 1 frames.
        recipe: Says how many templates, and how far apart.

    Returns:
        None where the sequence has no such frames; another sequence is drawn then.
    """

    def __call__(self, rng: np.random.Generator, shown: Shown, recipe: PairRecipe, /) -> DrawnFrames | None: ...


FRAME_SAMPLERS = Registry[FrameSampler]("sampler of frames")
"""By the name that `PairRecipe.sampler` gives."""


@FRAME_SAMPLERS.register("nearby")
def nearby(rng: np.random.Generator, shown: Shown, recipe: PairRecipe) -> DrawnFrames | None:
    """A visible frame, and others at most `max_gap` before or after it, or from anywhere where none is that near."""
    first = _some(rng, shown, 1, 0, len(shown))
    if first is None:
        return None
    others = shown.copy()
    others[first] = False
    near = _some(rng, others, recipe.templates, first[0] - recipe.max_gap, first[0] + recipe.max_gap + 1)
    near = near or _some(rng, others, recipe.templates, 0, len(shown))
    return None if near is None else DrawnFrames((first[0], *near[1:]), near[0])


@FRAME_SAMPLERS.register("causal")
def causal(rng: np.random.Generator, shown: Shown, recipe: PairRecipe) -> DrawnFrames | None:
    """The search frame after the template t, in [t + 1, t + `max_gap`); further templates in [t − `max_gap`, t).

    All show the target. Where a window has no such frame, t is drawn again and both windows are `gap_growth` wider.
    As PyTracking, STARK, OSTrack, MixFormer and HiT do it; further templates are earlier ones there, too.
    """
    more, count = recipe.templates - 1, len(shown)
    for gap in range(recipe.max_gap, recipe.max_gap + recipe.gap_growth + count, recipe.gap_growth):
        first = _some(rng, shown, 1, more, count - 1)
        if first is None:
            return None
        (t,) = first
        earlier = _some(rng, shown, more, t - gap, t)
        later = _some(rng, shown, 1, t + 1, t + gap) if earlier is not None else None
        if earlier is not None and later is not None:
            return DrawnFrames((t, *earlier), later[0])
    return None


@FRAME_SAMPLERS.register("trident")
def trident(rng: np.random.Generator, shown: Shown, recipe: PairRecipe) -> DrawnFrames | None:
    """Template and search frame anywhere; further templates within `max_gap` of the search, on the template's side.

    All show the target. As STARK does it for a template that is renewed while tracking.
    """
    return _trident(rng, shown, shown, recipe)


@FRAME_SAMPLERS.register("trident_pro")
def trident_pro(rng: np.random.Generator, shown: Shown, recipe: PairRecipe) -> DrawnFrames | None:
    """As `trident`, but further templates may be of frames that do not show the target; MixFormer's score stage."""
    return _trident(rng, shown, np.ones_like(shown), recipe)


def _trident(rng: np.random.Generator, shown: Shown, renewable: Shown, recipe: PairRecipe) -> DrawnFrames | None:
    for _ in range(_TRIES):
        both = _some(rng, shown, 2, 0, len(shown))
        if both is None:
            return None
        first, search = both
        low = search if first >= search else search - recipe.max_gap
        more = _some(rng, renewable, recipe.templates - 1, low, low + recipe.max_gap)
        if more is not None:
            return DrawnFrames((first, *more), search)
    return None


def _some(rng: np.random.Generator, shown: Shown, count: int, low: int, stop: int) -> list[int] | None:
    """`count` of the frames from `low` up to `stop` that show the target, one maybe twice; None where none does."""
    if count == 0:
        return []
    low = max(low, 0)
    found = np.flatnonzero(shown[low : max(stop, 0)])
    return (low + found[rng.integers(found.size, size=count)]).tolist() if found.size else None
