"""Promotion by non-dominated rank, on cases that can be checked by eye."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import optuna
import pytest

from compress.archive import Record
from compress.core import (
    Accuracy,
    BypassSpec,
    ExecutionPath,
    ExitSpec,
    Latency,
    TrackerSpec,
    UsageError,
    describe,
    mean_layers,
)
from compress.driver import SearchConfig
from compress.driver.evaluation_data import pool_size
from compress.driver.exit_thresholds.selection import Milliseconds
from compress.driver.scores import Score
from compress.driver.strategies.halving import promoted, run_generation
from compress.latency import ConstraintCheck
from compress.runtime.thresholds import with_thresholds

_SPEC = describe("ostrack-nano")


def _latency(ms: float) -> Latency:
    return Latency(ms, ms, ms, ms, ms, "predicted", 1, 0, 1, "test", "test")


def _record(ms: float, ao: float) -> Record:
    return Record("v000", 0, _SPEC, "running", accuracy=_accuracy(ao), predicted=_latency(ms))


def _accuracy(ao: float) -> Accuracy:
    return Accuracy(ao, ao, 0.01, ao, ao, ao, ao, ao, 1, 10)


def _beyond(bound_ms: float) -> Callable[[Record], float]:
    return lambda record: record.predicted.mean_ms - bound_ms  # type: ignore[union-attr]


def test_promotion() -> None:
    # AO
    #  .6 |       c     d
    #  .5 |    b     e
    #  .3 | a
    #  .2 |    f
    #     +--------------- ms
    #       1  2  3  4  5
    records = [_record(*p) for p in [(1, 0.3), (2, 0.5), (3, 0.6), (5, 0.6), (4, 0.5), (2, 0.2)]]
    a, b, c, d, _, f = range(6)
    keeps = _beyond(9.0)
    assert promoted(records, 3, keeps) == [a, b, c]
    assert promoted(records, 2, keeps) == [b, c]
    # d is dominated by c alone, as e is by b and c; among equal ranks the more accurate goes on.
    assert promoted(records, 4, keeps) == [a, b, c, d]
    # Those over the bound come last, the nearest first.
    assert promoted(records, 3, _beyond(2.5)) == [a, b, f]
    assert promoted(records, 4, _beyond(2.5)) == [a, b, c, f]


def test_the_best_of_either_kind_goes_on() -> None:
    dynamic = replace(_SPEC, bypass=BypassSpec(n_enf=2))
    points = [(1, 0.5), (2, 0.6), (3, 0.4), (4, 0.3)]
    records = [replace(_record(*p), spec=dynamic if p[0] > 2 else _SPEC) for p in points]
    assert promoted(records, 2, _beyond(9.0)) == [1, 2]
    assert promoted(records, 3, _beyond(9.0)) == [0, 1, 2]
    # One that is over the bound, or alone to go on, has no such place.
    assert promoted(records, 2, _beyond(2.5)) == [0, 1]
    assert promoted(records, 1, _beyond(9.0)) == [1]


class _Scorer:
    """Scores that hang on the rung alone: at rung 0 nothing is skipped, later all that may be."""

    def __init__(self, spec: TrackerSpec) -> None:
        self._paths = (
            {ExecutionPath(frozenset()): 3},
            {ExecutionPath(frozenset(spec.skippable)): 2, ExecutionPath(frozenset()): 1},
        )

    def score(self, spec: TrackerSpec, rung: int) -> Score:
        return Score(_accuracy(0.5), self._paths[rung > 0] if spec.adaptive else None)

    def thresholds(self, spec: TrackerSpec, rung: int, ms: Milliseconds, max_ms: float) -> TrackerSpec:
        """Never at the first exit where its layers take longer than the bound, else always."""
        taus = [float(ms(ExecutionPath(frozenset(), 0)) > max_ms)]
        return with_thresholds(spec, taus)


class _Gauge:
    """A layer takes a millisecond."""

    aim_ms = 4.0

    def path_ms(self, spec: TrackerSpec, path: ExecutionPath) -> float:
        return float(path.layers(spec))

    def predict(self, spec: TrackerSpec, paths: Mapping[ExecutionPath, int]) -> Latency:
        return _latency(mean_layers(paths, spec))

    def verdict(self, record: Record) -> ConstraintCheck:
        assert record.predicted is not None
        return ConstraintCheck(record.predicted, 5.0)

    def over_ms(self, record: Record) -> float:
        return self.verdict(record).over_ms


@pytest.mark.parametrize(("first", "tau"), [(3, 0.0), (6, 1.0)])
def test_thresholds_are_chosen_for_the_bound_once_something_was_learned(first: int, tau: float) -> None:
    spec = replace(_SPEC, exits=(ExitSpec(first, tau=0.25), ExitSpec(12)))
    study = optuna.create_study(directions=["minimize", "maximize"])
    seen: list[Record] = []
    run_generation(
        [(study.ask(), Record("v000", 0, spec, "running", predicted=_latency(4.0)))],
        _Scorer(spec),
        ["rung-0", "full"],
        steps=[0, 10],
        gauge=_Gauge(),  # type: ignore[arg-type]
        tell=lambda *_: None,
        done=seen.append,
    )
    assert [record.spec.exits[0].tau for record in seen] == [0.25, tau]
    assert seen[1].spec.weights_id == spec.weights_id
    assert seen[1].spec.id != spec.id


def test_paths_are_counted_once_something_was_learned() -> None:
    spec = replace(_SPEC, bypass=BypassSpec(n_enf=2))
    study, told = optuna.create_study(directions=["minimize", "maximize"]), []
    dynamic = Record("v000", 0, spec, "running", predicted=_latency(4.0))
    static = Record("v001", 1, _SPEC, "running", predicted=_latency(4.5))
    seen = []
    run_generation(
        [(study.ask(), dynamic), (study.ask(), static)],
        _Scorer(spec),
        ["rung-0", "full"],
        steps=[0, 10],
        gauge=_Gauge(),  # type: ignore[arg-type]
        tell=lambda _, record, over_ms: told.append((record, over_ms)),
        done=seen.append,
    )
    assert seen[0].paths is None
    assert seen[0].optimistic
    assert seen[0].predicted == _latency(4.0)
    assert seen[0].rungs[0]["layers"] == 12
    (left, _), (last, over_ms) = told
    assert left.variant == "v001"
    assert left.predicted == _latency(4.5)
    assert left.paths is None
    assert "layers" not in left.rungs[0]
    assert last.paths == {ExecutionPath(frozenset(spec.skippable)): 2, ExecutionPath(frozenset()): 1}
    assert last.predicted == _latency((2 * 2 + 12) / 3)
    assert over_ms == pytest.approx(16 / 3 - 5)
    assert last.reason == "predicted 5.33 ms, over the bound of 5 ms"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"fps": 30.0, "speedup": 2.0}, "one of --fps N and --speedup X"),
        ({"fps": -1.0}, "positive"),
        ({"speedup": float("nan")}, "positive"),
        ({"fps": 30.0, "trials": 0}, "trials must be at least 1"),
        ({"fps": 30.0, "partial": 1.0}, "between 0 and 1"),
        ({"fps": 30.0, "mlp_rank": "random"}, "importance or leading"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, float], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        SearchConfig(**settings)  # type: ignore[arg-type]


def test_default_pool_fits_in_memory() -> None:
    assert pool_size(describe("ostrack-nano"), 480 * 32) == 8192
    assert 300 < pool_size(describe("ostrack256"), 480 * 32) < 1000
    assert pool_size(describe("ostrack256"), 5 * 32) == 160


def test_without_a_bound_nothing_slower_than_the_teacher_will_do() -> None:
    assert SearchConfig().speedup == 1.0
    assert SearchConfig(fps=30.0).speedup is None
