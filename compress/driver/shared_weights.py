"""The network of shared weights of a setup: trained once, kept in the store, and read by whoever needs a slice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from time import perf_counter

import optuna
import torch
from torch import Tensor

from compress.core import Store, fingerprint
from compress.core.phases import phase
from compress.core.progress import Progress, no_progress
from compress.distill import (
    Batches,
    Checkpoint,
    FixedPairs,
    distill_elastic,
    pick_device,
    read_elastic,
    save_elastic,
    to_input,
)
from compress.distill.elastic import ENDS_EVERY
from compress.driver.jobs import TrainingSetup, space_of
from compress.driver.time_budget import TimeBudget
from compress.driver.training_pairs import TrainingPairs
from compress.models import Tracker
from compress.spaces import Space
from compress.surgery import Elastic, elastic_network

_KIND, _SUFFIX = "elastic", ".safetensors"
_STEPS = "elastic_steps"
"""Attribute of a study: the steps of its shared weights, where the time that there was decided."""

_SHARE = 0.35
"""Of the time of a search, what shared weights take at most."""

_CALIBRATION = 64
"""Pairs that say which units matter when weights are inherited."""


def calibration_crops(pairs: FixedPairs, device: torch.device) -> tuple[Tensor, Tensor]:
    """Normalised crops (template, search) that say which units matter when weights are inherited."""
    rows = slice(0, min(_CALIBRATION, len(pairs)))
    return to_input(pairs.template[rows].to(device)), to_input(pairs.search[rows].to(device))


def within_time(setup: TrainingSetup, study: optuna.Study, budget: TimeBudget, teacher: Tracker) -> TrainingSetup:
    """The setup with as many steps of shared weights as a share of the time allows, by how long a few take now.

    They are noted in the study, so that a search that is continued goes on with the same network; and not timed where
    the store has the network that the setup names.
    """
    if setup.elastic is None or not budget.limited:
        return setup
    steps = study.user_attrs.get(_STEPS)
    if type(steps) is not int or not 1 <= steps <= setup.elastic.steps:
        device, store = pick_device(setup.device), Store()
        few = TrainingPairs(setup, setup.training.open(), teacher, device).few()
        network = SharedWeights(setup, teacher, few, device, store)
        left_s = max(0.0, budget.end - budget.clock())
        steps = setup.elastic.steps
        if not network.kept:
            steps = max(min(ENDS_EVERY, steps), min(steps, int(_SHARE * left_s / network.seconds_per_step())))
        study.set_user_attr(_STEPS, steps)
    return replace(setup, elastic=replace(setup.elastic, steps=steps))


class SharedWeights:
    """Makes or reads the network when a student first needs it; where several do at once, one makes it.

    Args:
        setup: With `elastic`, from which alone, with teacher, pairs, recipe and seed, the network follows; not on the
            target, so that a search for another one finds it.
    """

    def __init__(
        self,
        setup: TrainingSetup,
        teacher: Tracker,
        pool: Callable[[Progress], Batches],
        device: torch.device,
        store: Store,
    ) -> None:
        assert setup.elastic is not None
        self._setup, self._elastic, self._teacher = setup, setup.elastic, teacher
        self._pool, self._device, self._store = pool, device, store
        self._network: Elastic | None = None

    def __call__(self, progress: Progress = no_progress) -> Elastic:
        """The network, in eval mode.

        Raises:
            CompressError: its training diverged.
        """
        if self._network is None:
            state = self._store.path(_KIND, self._key, ".training.safetensors")
            self._network = self._store.get(
                _KIND,
                self._key,
                read=partial(read_elastic, device=self._device),
                make=lambda path: self._make(path, Checkpoint(state, anew=True), progress),
                suffix=_SUFFIX,
            )
            state.unlink(missing_ok=True)
        return self._network

    @property
    def kept(self) -> bool:
        """Whether the store has the network."""
        return self._store.path(_KIND, self._key, _SUFFIX).is_file()

    def seconds_per_step(self) -> float:
        """How long a step of its training takes, the mean over those after which the ends take part again."""
        untrained = self._untrained(self._pool(no_progress).fixed)
        begin = perf_counter()
        self._trained(untrained, ENDS_EVERY, no_progress, None)
        return (perf_counter() - begin) / ENDS_EVERY

    @property
    def _key(self) -> str:
        """Of everything that the weights depend on."""
        setup, elastic = self._setup, self._elastic
        recipe = [setup.seed, setup.mlp_rank, setup.recipe, elastic]
        return fingerprint([setup.teacher.weights, setup.teacher.spec.id, setup.pairs_key, recipe])

    @phase("training of shared weights")
    def _make(self, path: Path, checkpoint: Checkpoint, progress: Progress) -> None:
        untrained = self._untrained(self._pool(progress).fixed)
        save_elastic(self._trained(untrained, self._elastic.steps, progress, checkpoint), path)

    @cached_property
    def _space(self) -> Space:
        return space_of(self._elastic.space)

    def _untrained(self, pairs: FixedPairs) -> Elastic:
        teacher, crops = self._teacher.to(self._device), calibration_crops(pairs, self._device)
        return elastic_network(teacher, self._space, crops, mlp_rank=self._setup.mlp_rank)

    def _trained(self, network: Elastic, steps: int, progress: Progress, checkpoint: Checkpoint | None) -> Elastic:
        setup = self._setup
        return distill_elastic(
            network,
            self._space,
            self._pool(progress),
            setup.recipe,
            steps=steps,
            seed=setup.seed,
            device=self._device,
            random=self._elastic.random,
            progress=progress,
            checkpoint=checkpoint,
        )
