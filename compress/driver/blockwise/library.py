"""The library of layer variants of a setup: each made once, kept in the store, and put together to students."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import cached_property, partial
from typing import Any

import torch

from compress.core import Store, TrackerSpec, fingerprint
from compress.core.progress import Progress, no_progress
from compress.distill import Batches
from compress.distill.blockwise import LayerWork, MadeVariant, VariantScore, read_variant, save_variant
from compress.driver.blockwise.grid import Grid, grid_of
from compress.driver.jobs import TrainingSetup, space_of
from compress.models import Tracker
from compress.spaces import Space
from compress.surgery import State, Variant, assemble, own_variants

_KIND, _SUFFIX = "layers", ".safetensors"


def _told(variant: Variant) -> dict[str, Any]:
    """A variant's fields; without heads where all are kept, as before there was a choice of them."""
    return {name: value for name, value in asdict(variant).items() if name != "heads" or value is not None}


class LayerLibrary:
    """Makes or reads the variants when they are first needed; several processes share the layers out among them.

    Args:
        setup: With `blockwise`, from which alone, with teacher, pairs, recipe and seed, the variants follow; not on the
            target, so that a search for another one finds them.
    """

    def __init__(
        self,
        setup: TrainingSetup,
        teacher: Tracker,
        pool: Callable[[Progress], Batches],
        device: torch.device,
        store: Store,
    ) -> None:
        assert setup.blockwise is not None
        self._setup, self._blockwise, self._teacher = setup, setup.blockwise, teacher
        self._pool, self._device, self._store = pool, device, store
        self._scores: dict[Variant, VariantScore] = {}

    @cached_property
    def space(self) -> Space:
        """The space whose students the library is for."""
        return space_of(self._blockwise.space)

    @cached_property
    def grid(self) -> Grid:
        """The variants of every layer."""
        return grid_of(self.space, self._teacher.spec)

    def scores(self, progress: Progress = no_progress) -> Mapping[Variant, VariantScore]:
        """Of every variant but the teacher's own; what is missing is made first.

        Raises:
            CompressError: a local distillation diverged.
        """
        if not self._scores:
            self._build(progress)
            every = (each for i in range(len(self.grid.mlps)) for each in self.grid.to_make(i))
            self._scores = {each: self._variant(each).score for each in every}
        return self._scores

    def assembled(self, spec: TrackerSpec, progress: Progress = no_progress) -> Tracker:
        """The student of these variants, with the teacher's embeddings and head, in eval mode. Raises as `scores`."""
        self.scores(progress)
        return assemble(self._teacher.to(self._device), spec, self._state).eval()

    def _build(self, progress: Progress) -> None:
        """Make what the store lacks, layer after layer, but those that another process works on now."""
        depth = len(self.grid.mlps)
        layers = [i for i in range(depth) if any(map(self._missing, self.grid.to_make(i)))]
        if not layers:
            return
        _ = self._pool(progress).fixed  # made or read before any layer is claimed
        for i in self._work.enter():
            if i not in layers:
                continue
            progress(f"variants of layer {i + 1} of {depth}", i / depth, None)
            with self._store.claimed(_KIND, self._key(f"layer {i}")) as mine:
                for variant in self.grid.to_make(i) if mine else ():
                    self._variant(variant)

    def _missing(self, variant: Variant) -> bool:
        return not self._store.path(_KIND, self._key(variant), _SUFFIX).is_file()

    def _state(self, variant: Variant) -> State:
        if variant in own_variants(self._teacher.spec, variant.source):
            block = self._teacher.get_submodule(f"backbone.blocks.{variant.source}").state_dict()
            return {name: value for name, value in block.items() if name.startswith(variant.names)}
        return self._variant(variant).state

    def _variant(self, variant: Variant) -> MadeVariant:
        return self._store.get(
            _KIND,
            self._key(variant),
            read=partial(read_variant, device=self._device),
            make=lambda path: save_variant(self._work.make(variant), path),
            suffix=_SUFFIX,
        )

    @cached_property
    def _work(self) -> LayerWork:
        setup = self._setup
        return LayerWork(
            self._teacher,
            self._pool(no_progress).fixed,
            self._blockwise.recipe,
            setup.recipe,
            self._device,
            setup.seed,
            leading=setup.mlp_rank == "leading",
        )

    def _key(self, what: Variant | str) -> str:
        """Of everything that a variant's weights and its score depend on."""
        setup = self._setup
        named = what if isinstance(what, str) else [type(what).__name__, _told(what)]
        recipe = [setup.seed, setup.mlp_rank, setup.recipe.weights, self._blockwise.recipe]
        return fingerprint([setup.teacher.weights, setup.teacher.spec.id, setup.pairs_key, recipe, named])
