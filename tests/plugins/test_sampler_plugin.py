"""A sampler from outside the package: this file and one registration, and a search's proposals come from it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial

from compress.archive import Record
from compress.core import LatencyConstraint, TrackerSpec, describe
from compress.driver import SearchSettings
from compress.driver.proposals import Proposals
from compress.driver.samplers import SAMPLERS
from compress.driver.samplers.known_space import Candidate, KnownSpace
from compress.driver.stored_trials import Asked
from compress.driver.study import open_study
from compress.latency import MeasuredLatency, gate
from compress.measure import Coverage
from compress.spaces import Space, load_space
from compress.testing.recorded_profile import recorded_profile

NANO, SPACE = describe("ostrack-nano"), load_space("litetrack")


class FastestFirst(optuna.samplers.BaseSampler):
    """Every student within the bound, the fastest first."""

    def __init__(self, seed: int) -> None:
        self._order: list[Candidate] = []
        self._distributions: dict[str, BaseDistribution] = {}

    def check(self, space: Space, teacher: TrackerSpec) -> None:
        """Every space will do."""

    def learn(self, known: KnownSpace) -> None:
        within = [each for each in known.all() if each.passes]
        self._order = sorted(within, key=lambda each: each.ms)
        self._distributions = known.distributions

    def reseed(self, seed: int) -> None:
        """Nothing is drawn at random."""

    def exhausted(self, study: optuna.Study) -> bool:
        return len(study.get_trials(deepcopy=False)) >= len(self._order)

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return self._distributions

    def sample_relative(self, study: optuna.Study, trial: FrozenTrial, search_space: Any) -> dict[str, Any]:
        return self._order[trial.number].knobs

    def sample_independent(self, study: optuna.Study, trial: FrozenTrial, param_name: str, distribution: Any) -> Any:
        raise AssertionError("all knobs are drawn together")


@pytest.fixture(scope="module", autouse=True)
def registered() -> Iterator[None]:
    SAMPLERS.register("fastest-first", FastestFirst)
    yield
    SAMPLERS.remove("fastest-first")


def test_a_search_draws_by_it_until_it_is_exhausted(tmp_path: Path) -> None:
    assert SearchSettings(sampler="fastest-first").sampler == "fastest-first"
    model = MeasuredLatency(recorded_profile(NANO, Coverage.of_space(NANO, SPACE)))
    bound = LatencyConstraint.of(speedup=2.0, teacher=model.predict(NANO))
    study = open_study(tmp_path, sampler="fastest-first", seed=0)
    proposals = Proposals(study, SPACE, NANO, partial(gate, model, constraint=bound))
    numbers = proposals.accepted(Asked())
    records = [Record.from_attrs(proposals.stored[number].user_attrs["record"]) for number in numbers]
    drawn = [record.predicted.mean_ms for record in records if record.predicted]
    within = [spec for spec in SPACE.enumerate(NANO) if gate(model, spec, bound).passes]
    assert len(drawn) == len({spec.weights_id for spec in within}) > 3
    assert drawn == sorted(drawn)
