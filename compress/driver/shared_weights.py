"""The network of shared weights of a setup: trained once, kept in the store, and read by whoever needs a slice."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from compress.core import Store, fingerprint
from compress.core.progress import Progress, no_progress
from compress.distill import Checkpoint, Pool, distill_elastic, read_elastic, save_elastic, to_input
from compress.driver.jobs import TrainingSetup
from compress.models import Tracker
from compress.spaces import Space
from compress.surgery import Elastic, elastic_network

_KIND, _SUFFIX = "elastic", ".safetensors"
_CALIBRATION = 64
"""Pairs of the pool that say which units matter when weights are inherited."""


def calibration_crops(pool: Pool, device: torch.device) -> tuple[Tensor, Tensor]:
    """Normalised crops (template, search) that say which units matter when weights are inherited."""
    rows = slice(0, min(_CALIBRATION, len(pool)))
    return to_input(pool.template[rows].to(device)), to_input(pool.search[rows].to(device))


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
        pool: Callable[[Progress], Pool],
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
    def _key(self) -> str:
        """Of everything that the weights depend on."""
        setup, elastic = self._setup, self._elastic
        pairs = [setup.training.fingerprint, setup.pairs]
        recipe = [setup.seed, setup.mlp_rank, setup.recipe, elastic]
        return fingerprint([setup.teacher.weights, setup.teacher.spec.id, pairs, recipe])

    def _make(self, path: Path, checkpoint: Checkpoint, progress: Progress) -> None:
        setup, pool = self._setup, self._pool(progress)
        space = Space("", {name: tuple(choices) for name, choices in json.loads(self._elastic.space).items()})
        crops = calibration_crops(pool, self._device)
        network = distill_elastic(
            elastic_network(self._teacher.to(self._device), space, crops, mlp_rank=setup.mlp_rank),
            space,
            pool,
            setup.recipe,
            steps=self._elastic.steps,
            seed=setup.seed,
            device=self._device,
            random=self._elastic.random,
            progress=progress,
            checkpoint=checkpoint,
        )
        save_elastic(network, path)
