"""A stream of pairs: new ones at every step, and the teacher asked about them in the loop."""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator
from contextlib import closing
from functools import cache, partial
from time import perf_counter
from typing import Any

import torch

from compress.core import TrackerSpec
from compress.data import DataSource, Pairs, PairSizes
from compress.data.pairs import PairRecipe
from compress.data.worker import stream_row
from compress.distill.answers import answers_of, layer_name
from compress.distill.batches import Batch, FixedPairs
from compress.distill.feature_distillation import distilled_layers
from compress.distill.inputs import to_input
from compress.distill.parallel import Ranks
from compress.distill.prefetch import one_ahead
from compress.models import Tracker

_SEED = 2**31
"""Added to a training's seed: its stream shares no pair with the pools, whose seeds are all below."""


class PairStream:
    """Batches of pairs that no training sees twice; see `Batches`.

    Pair i of the batch at step s is number s · batch + i of an endless row that source, recipe of pairs and seed alone
    decide, see `PairRow`. So students of one seed and batch size see the same pairs at the same step, a stopped
    training goes on where it was, and one that follows on another (`after`) goes on behind its pairs. Of several
    processes each draws, and asks the teacher about, the pairs of its share alone; accumulated parts are cut out of
    that. No more than a batch or two is ever in memory.

    Pairs are drawn in processes of their own, one batch ahead. On a GPU the teacher, too, is asked one batch ahead, in
    a thread and on a CUDA stream of its own. On a CPU it would only take cores from the student.

    Args:
        network: The teacher.
        fixed: Makes the pairs for what is observed or calibrated once; called when they are first needed.
        workers: Processes that draw pairs; 0 for this one.
        first: Steps of the trainings before, with batches of the same size.
        ahead: Whether the teacher is asked one batch ahead; by default on a GPU.
        drawn: How pairs are drawn and varied; by the default recipe where None.
    """

    def __init__(
        self,
        network: Tracker,
        source: DataSource,
        fixed: Callable[[], FixedPairs],
        *,
        workers: int = 1,
        first: int = 0,
        ahead: bool | None = None,
        drawn: PairRecipe | None = None,
    ) -> None:
        self._network, self._source, self._workers = network, source, workers
        self._fixed, self._first, self._ahead = cache(fixed), first, ahead
        self._sizes = PairSizes.of(network.spec, drawn)

    @property
    def teacher(self) -> TrackerSpec:
        """Whose answers the batches hold."""
        return self._network.spec

    @property
    def fixed(self) -> FixedPairs:
        """Pairs apart from those of the stream."""
        return self._fixed()

    @property
    def about(self) -> dict[str, Any]:
        """That it is a stream, the steps before, and what of the recipe of pairs is not the default."""
        return {"pairs": "row", "pairs_from_step": self._first, "drawn": self._sizes.recipe.figures()}

    def after(self, steps: int) -> PairStream:
        """The stream from a later step on."""
        later = copy.copy(self)
        later._first += steps
        return later

    def batches(self, start: int, *, count: int, seed: int, device: torch.device) -> Generator[Batch, None, None]:
        """See `Batches`."""
        make = partial(self._made, start, count, Ranks.current().part(count), seed, device)
        ahead = device.type == "cuda" if self._ahead is None else self._ahead
        return one_ahead(make, device) if ahead else make()

    def _made(
        self, start: int, count: int, part: slice, seed: int, device: torch.device
    ) -> Generator[Batch, None, None]:
        teacher, begin = self._network.to(device).eval(), self._first + start
        drawn = stream_row(
            self._source, _SEED + seed, count, part, workers=self._workers, sizes=self._sizes, start=begin
        )
        with closing(drawn):
            for pairs in drawn:
                yield _answered(teacher, pairs, device)


def _answered(teacher: Tracker, pairs: Pairs, device: torch.device) -> Batch:
    crops = (torch.from_numpy(each).to(device) for each in (pairs.template, pairs.search))
    template, search = map(to_input, crops)
    begin = perf_counter()
    found = {name: values.float() for name, values in answers_of(teacher, template, search).items()}
    layers = {i: found.pop(layer_name(i)) for i in distilled_layers(teacher.spec)}
    seconds = perf_counter() - begin
    return Batch(teacher.spec, template, search, torch.from_numpy(pairs.boxes).to(device), found, layers, seconds)
