"""The pairs that the students of a setup are distilled on: its pool, made or read once, or its stream."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import torch

from compress.core import Store
from compress.core.phases import phase
from compress.core.progress import Progress, no_progress, part
from compress.core.threads import usable_cores
from compress.data import DataSource
from compress.data.pairs import PAIR_RECIPES, PairRecipe
from compress.distill import Batches, PairStream, distillation_pool, fixed_pairs
from compress.driver.jobs import TrainingSetup
from compress.models import Tracker


class TrainingPairs:
    """Gives the pairs of a setup; the pool is made or read when a student first needs it, and stays loaded.

    Args:
        source: Opened from the setup's training data; likewise the teacher.
    """

    def __init__(self, setup: TrainingSetup, source: DataSource, teacher: Tracker, device: torch.device) -> None:
        self._setup, self._source, self._teacher, self._device = setup, source, teacher, device
        self._pairs: Batches | None = None

    def __call__(self, progress: Progress) -> Batches:
        """The pool, or the stream.

        Raises:
            UsageError, FileError, CompressError: of the source.
        """
        if self._pairs is None:
            self._pairs = self._opened(progress)
        return self._pairs

    def few(self) -> TrainingPairs:
        """Likewise as many pairs as a batch has, for timing a few steps; a stream stays what it is."""
        if self._setup.streamed:
            return self
        return TrainingPairs(
            replace(self._setup, pairs=self._setup.recipe.batch), self._source, self._teacher, self._device
        )

    @phase("pairs and the teacher's answers")
    def _opened(self, progress: Progress) -> Batches:
        setup = self._setup
        return opened_pairs(
            self._teacher,
            self._source,
            streamed=setup.streamed,
            count=setup.pairs,
            seed=setup.seed + 1,
            weights_key=setup.teacher.weights,
            device=self._device,
            drawn=one_template(setup.recipe.pairs),
            progress=part(progress, 0, 0, "Pool"),
        )


def opened_pairs(
    teacher: Tracker,
    source: DataSource,
    *,
    streamed: bool,
    count: int,
    seed: int,
    weights_key: str,
    device: torch.device,
    drawn: PairRecipe | None = None,
    progress: Progress = no_progress,
) -> Batches:
    """What a `PairChoice` says: a pool, from the store where it was made before, or a stream.

    Args:
        streamed, count: See `PairChoice`.
        seed: Of the pool, or of the fixed pairs beside the stream; the stream's is that of the training.
        weights_key: Names the teacher's weights.
        drawn: How pairs are drawn and varied; by the default recipe where None.

    Raises:
        UsageError, FileError, CompressError: of the source.
    """
    if not streamed:
        return distillation_pool(
            teacher,
            source,
            count=count,
            seed=seed,
            store=Store(),
            device=device,
            workers=usable_cores(),
            weights_key=weights_key,
            drawn=drawn,
            progress=progress,
        )
    workers = torch.get_num_threads()  # as many as this process has cores
    made = partial(fixed_pairs, teacher.spec, source, count=count, seed=seed, store=Store(), workers=workers)
    return PairStream(teacher, source, partial(made, drawn=drawn), workers=workers, drawn=drawn)


def one_template(drawn: str) -> PairRecipe:
    """The pairs of a name in `PAIR_RECIPES`, with one template."""
    return replace(PAIR_RECIPES[drawn], templates=1)
