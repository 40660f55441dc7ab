"""Training pairs from recorded sequences, such as those of the published data sets."""

from __future__ import annotations

from collections.abc import Sequence as Items
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compress.core import UsageError
from compress.data.pairs.augmentation import Image, augmented
from compress.data.pairs.batch import Pairs, PairSizes
from compress.data.pairs.crops import Cut, box_in_crop, cut_out, holds_target, is_usable, jittered, shows_enough
from compress.data.pairs.frames import FrameCache, reduction_of
from compress.data.pairs.recipe import Jitter, PairRecipe
from compress.data.pairs.views import View, drawn_views
from compress.data.sequence import Sequence

_DRAWS = 1000
"""Draws in a row without a pair, after which the data is refused."""

_CACHE = FrameCache()


class _Pair(NamedTuple):
    templates: list[Image]
    search: Image
    box: NDArray[np.float32]
    shows: bool
    number: int


def recorded_pairs(
    sequences: Items[Sequence],
    seed: int,
    index: int,
    count: int,
    sizes: PairSizes,
    *,
    cache: FrameCache | None = None,
) -> Pairs:
    """Batch number `index` of the stream `seed`; a pair depends on these, its own number, `sizes` and the data alone.

    A sequence is drawn, each with the same probability, then frames of it and boxes to cut around; what cannot be
    learned from, see `PairRecipe`, is drawn anew, sequence and all. Of the sequences only those drawn are looked at, so
    they may be a list that opens them when asked for one.

    Args:
        sizes: Of the crops, with the recipe.
        cache: Keeps frames; by default one of the process.

    Raises:
        UsageError: 1000 draws in a row gave no pair, or the recipe names an unknown sampler.
        FileError: a sequence or a frame is missing or damaged.
    """
    cache = _CACHE if cache is None else cache
    made = [_pair(sequences, _generator(seed, index, k), sizes, cache) for k in range(count)]
    made.sort(key=lambda pair: pair.number)
    more = [pair.templates[1:] for pair in made]
    return Pairs(
        np.stack([pair.templates[0] for pair in made]),
        np.stack([pair.search for pair in made]),
        np.stack([pair.box for pair in made]),
        np.array([pair.number for pair in made]),
        np.array(more) if sizes.recipe.templates > 1 else None,
        np.array([pair.shows for pair in made]) if sizes.recipe.negatives else None,
    )


def _generator(seed: int, index: int, pair: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, index, pair])))


def _pair(sequences: Items[Sequence], rng: np.random.Generator, sizes: PairSizes, cache: FrameCache) -> _Pair:
    rejected = 0
    for _ in range(_DRAWS if len(sequences) else 0):
        number = int(rng.integers(len(sequences)))
        drawn = drawn_views(rng, sequences, number, sizes.recipe, cache)
        if drawn is not None:
            found = _crops(rng, drawn.views, sizes, cache)
            if found is not None:
                return _Pair(found[0][:-1], found[0][-1], found[1], drawn.shows, number)
            rejected += 1
    raise _nothing(sizes.recipe, rejected)


def _nothing(recipe: PairRecipe, rejected: int) -> UsageError:
    if rejected:
        why = f"{rejected} of {_DRAWS} draws gave frames, but no crop of them shows enough of the frame and the target"
    else:
        why = (
            f"none of {_DRAWS} sequences drawn has {recipe.min_visible} frames that show the target, of "
            f"{recipe.min_frames} or more"
        )
    return UsageError(f"There is nothing to train on: {why}. Give other --train-data.")


def _crops(
    rng: np.random.Generator, views: list[View], sizes: PairSizes, cache: FrameCache
) -> tuple[list[Image], NDArray[np.float32]] | None:
    """The crops, the search crop last, and the target's box in that; None where they are rejected."""
    recipe, box = sizes.recipe, views[-1].box
    cuts = _cuts(rng, [view.box for view in views], sizes)
    if cuts is None or not holds_target(box, cuts[-1], recipe):
        return None
    reductions = _reductions(views, cuts, recipe)
    crops = []
    for view, cut in zip(views, cuts, strict=True):
        frame = cache.frame(view.sequence, view.index, reductions[view.key])
        if not shows_enough(frame, view.box, cut, recipe):
            return None
        crops.append(cut_out(frame, cut))
    return augmented(rng, crops, box_in_crop(box, cuts[-1], recipe.label_centre), recipe)


def _cuts(rng: np.random.Generator, boxes: list[NDArray[np.float64]], sizes: PairSizes) -> list[Cut] | None:
    """What is cut around each box; None where one has no area."""
    recipe = sizes.recipe
    template = recipe.template_jitter, sizes.template_factor, sizes.template_size
    search = recipe.search_jitter, sizes.search_factor, sizes.search_size
    found = []
    for place, box in enumerate(boxes):
        jitter, factor, size = template if place < recipe.templates else search
        around = jittered(rng, box, jitter) if jitter != Jitter() and is_usable(box, factor) else box
        if not (is_usable(box, factor) and is_usable(around, factor)):
            return None
        found.append(Cut(around, factor, size))
    return found


def _reductions(views: list[View], cuts: list[Cut], recipe: PairRecipe) -> dict[tuple[int, int], int]:
    """How much each frame is reduced; a frame that several crops come from is decoded once, for the largest need."""
    found: dict[tuple[int, int], int] = {}
    for view, cut in zip(views, cuts, strict=True):
        reduction = reduction_of(cut.side, cut.size) if recipe.reduced else 1
        found[view.key] = min(found.get(view.key, 8), reduction)
    return found
