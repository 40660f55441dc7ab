"""Batches that a teacher is trained on: pairs of a source, used as often as the recipe says."""

from __future__ import annotations

import itertools
from collections.abc import Generator
from contextlib import closing
from typing import NamedTuple

import torch
from torch import Tensor, distributed

from compress.core import TrackerSpec, UsageError
from compress.data import DataSource, Pairs, PairSizes
from compress.data.pairs import PAIR_RECIPES
from compress.data.worker import stream_pairs
from compress.distill.batch_shares import share_of
from compress.distill.parallel import Ranks
from compress.distill.teacher_recipe import TeacherRecipe


class TeacherBatch(NamedTuple):
    """Pairs of one step.

    Attributes:
        template, search: (B, S, S, 3) uint8 crops.
        boxes: (B, 4) cx, cy, w, h in shares of the search crop.
        online: (B, K, S, S, 3) uint8 further templates, where the recipe of pairs draws some.
    """

    template: Tensor
    search: Tensor
    boxes: Tensor
    online: Tensor | None = None


def pair_sizes(spec: TrackerSpec, recipe: TeacherRecipe) -> PairSizes:
    """How the pairs of a teacher are made.

    Raises:
        UsageError: the recipe's pairs do not suit the tracker, or do not show their target.
    """
    pairs = PAIR_RECIPES[recipe.pairs]
    if pairs.negatives:
        raise UsageError(
            f"--pairs {recipe.pairs} draws pairs without their target, which train a score head alone. Give another."
        )
    if pairs.templates > 1 and pairs.templates != 1 + spec.online_templates:
        raise UsageError(
            f"--pairs {recipe.pairs} draws {pairs.templates} templates, but this tracker takes "
            f"{1 + spec.online_templates}. Give another, such as --pairs ostrack."
        )
    return PairSizes.of(spec, pairs)


def teacher_batches(
    source: DataSource, sizes: PairSizes, recipe: TeacherRecipe, workers: int, device: torch.device, start: int
) -> Generator[TeacherBatch, None, None]:
    """From step `start` on, on `device`; in a process group this process's share of each.

    From its second use on, the templates of a batch are exchanged within their scene.
    """
    generator, ranks = torch.Generator(device=device).manual_seed(recipe.seed), Ranks.current()
    for step in range(start):
        if step % recipe.reuse:
            torch.rand(recipe.batch, generator=generator, device=device)
    first = start // recipe.reuse
    with closing(_dealt(source, sizes, recipe, workers, device, first)) as made:
        step = first * recipe.reuse
        for template, search, boxes, scenes, *online in made:
            for turn in range(recipe.reuse):
                if step >= start:
                    order = _exchange(scenes, generator) if turn else None
                    shown = template if order is None else template[order]
                    # Exchanged within the whole batch, and so cut only now.
                    yield share_of(TeacherBatch(shown, search, boxes, *online), ranks.rank, ranks.count)
                step += 1


def _exchange(scenes: Tensor, generator: torch.Generator) -> Tensor:
    """A random order of the batch that keeps every pair within its scene; `scenes` (B,) rises."""
    keys = scenes + torch.rand(len(scenes), generator=generator, device=scenes.device)
    return torch.argsort(keys)


def _dealt(
    source: DataSource, sizes: PairSizes, recipe: TeacherRecipe, workers: int, device: torch.device, start: int
) -> Generator[tuple[Tensor, ...], None, None]:
    """Batches of pairs from number `start` on; several processes make them in turn, each for all of them."""
    ranks = Ranks.current()
    made = stream_pairs(
        source, recipe.seed, recipe.batch, workers=workers, sizes=sizes, start=start + ranks.rank, every=ranks.count
    )
    with closing(made):
        for number in itertools.count():
            mine = number % ranks.count == ranks.rank
            found = _tensors(next(made)) if mine else _empty(sizes, recipe.batch)
            tensors = tuple(each.to(device) for each in found)
            if ranks.count > 1:
                for each in tensors:
                    distributed.broadcast(each, src=number % ranks.count)
            yield tensors


def _tensors(pairs: Pairs) -> tuple[Tensor, ...]:
    arrays = (pairs.template, pairs.search, pairs.boxes, pairs.scenes, pairs.more_templates)
    return tuple(torch.from_numpy(each) for each in arrays if each is not None)


def _empty(sizes: PairSizes, count: int) -> tuple[Tensor, ...]:
    """Tensors of the shapes and types of `_tensors`, to be filled."""
    template = (sizes.template_size, sizes.template_size, 3)
    crops = [template, (sizes.search_size, sizes.search_size, 3)]
    found = [torch.empty((count, *shape), dtype=torch.uint8) for shape in crops]
    found += [torch.empty(count, 4), torch.empty(count, dtype=torch.int64)]
    more = sizes.recipe.templates - 1
    return (*found, *([torch.empty((count, more, *template), dtype=torch.uint8)] if more else []))
