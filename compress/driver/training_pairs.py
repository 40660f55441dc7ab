"""The pairs that the students of a setup are distilled on: its pool, made or read once, or its stream."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import torch

from compress.core import Store
from compress.core.phases import phase
from compress.core.progress import Progress, part
from compress.core.threads import usable_cores
from compress.data import DataSource
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
            self._pairs = self._stream() if self._setup.streamed else self._pool(progress)
        return self._pairs

    def few(self) -> TrainingPairs:
        """Likewise as many pairs as a batch has, for timing a few steps; a stream stays what it is."""
        if self._setup.streamed:
            return self
        return TrainingPairs(
            replace(self._setup, pairs=self._setup.recipe.batch), self._source, self._teacher, self._device
        )

    def _stream(self) -> Batches:
        setup, workers = self._setup, torch.get_num_threads()  # as many as this process has cores
        fixed = partial(
            fixed_pairs,
            self._teacher.spec,
            self._source,
            count=setup.pairs,
            seed=setup.seed + 1,
            store=Store(),
            workers=workers,
        )
        return PairStream(self._teacher, self._source, fixed, workers=workers)

    @phase("pairs and the teacher's answers")
    def _pool(self, progress: Progress) -> Batches:
        return distillation_pool(
            self._teacher,
            self._source,
            count=self._setup.pairs,
            seed=self._setup.seed + 1,
            store=Store(),
            device=self._device,
            workers=usable_cores(),
            weights_key=self._setup.teacher.weights,
            progress=part(progress, 0, 0, "Pool"),
        )
