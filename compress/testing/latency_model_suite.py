"""What every `LatencyModel` has to keep, as a class of tests that an implementation inherits."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace

import pytest

from compress.core import (
    LATENCY_FIGURES,
    BypassSpec,
    ExecutionPath,
    ExitSpec,
    Latency,
    TrackerSpec,
    UsageError,
    cheapest_path,
    worst_path,
)
from compress.latency import LatencyModel, UncoveredError


class LatencyModelSuite:
    """Inherit it in a test module and give two fixtures: the `model`, and the `teacher` of a family that it covers.

        class TestCountedMacs(LatencyModelSuite):
            @pytest.fixture
            def model(self) -> LatencyModel:
                return CountedMacs(1e-9)

            @pytest.fixture
            def teacher(self) -> TrackerSpec:
                return describe("ostrack256")

    The teacher has to be a static tracker of four layers or more, and no exits.
    """

    @pytest.fixture
    def students(self, teacher: TrackerSpec) -> dict[str, TrackerSpec]:
        """A tracker of each kind: static ones, and those that decide per frame what to compute."""
        depth = len(teacher.layers)
        bypass, exits = BypassSpec(n_enf=1, tau0=0.5), (ExitSpec(depth // 2), ExitSpec(depth))
        return {
            "teacher": teacher,
            "shallow": replace(teacher, layers=teacher.layers[: depth // 2]),
            "bypass": replace(teacher, bypass=bypass),
            "exits": replace(teacher, exits=exits),
            "bypass and exits": replace(teacher, bypass=bypass, exits=exits),
        }

    @pytest.fixture
    def adaptive(self, students: dict[str, TrackerSpec]) -> list[TrackerSpec]:
        return [spec for spec in students.values() if spec.adaptive]

    def test_says_what_it_is(self, model: LatencyModel) -> None:
        assert model.provenance in ("predicted", "estimated")
        assert isinstance(model.limits, str)
        assert model.basis
        assert "mean" in model.known_figures
        assert set(model.known_figures) <= set(LATENCY_FIGURES)
        if model.errors is not None:
            assert 0 <= model.errors.mean <= model.errors.max < math.inf

    def test_figures_are_milliseconds_in_order(self, model: LatencyModel, students: dict[str, TrackerSpec]) -> None:
        for spec in students.values():
            latency = model.predict(spec)
            assert 0 < latency.network_ms < latency.mean_ms < math.inf
            assert 0 < latency.p50_ms <= latency.p90_ms <= latency.p99_ms < math.inf
            assert (latency.worst_ms is None) == (not spec.adaptive)
            assert latency.at("worst") >= latency.mean_ms - 1e-9

    def test_figures_not_known_repeat_the_mean(self, model: LatencyModel, students: dict[str, TrackerSpec]) -> None:
        for figure in set(LATENCY_FIGURES) - set(model.known_figures) - {"worst"}:
            for spec in students.values():
                assert model.predict(spec).at(figure) == model.predict(spec).mean_ms

    def test_nothing_predicted_is_called_measured(self, model: LatencyModel, students: dict[str, TrackerSpec]) -> None:
        assert {model.predict(spec).provenance for spec in students.values()} == {model.provenance}

    def test_fewer_layers_take_less_time(self, model: LatencyModel, students: dict[str, TrackerSpec]) -> None:
        assert model.predict(students["shallow"]).mean_ms < model.predict(students["teacher"]).mean_ms

    def test_the_mean_is_over_the_frames_of_each_path(self, model: LatencyModel, adaptive: list[TrackerSpec]) -> None:
        for spec in adaptive:
            cheap, worst = (_mean(model, spec, path) for path in (cheapest_path(spec), worst_path(spec)))
            found = model.predict(spec, {cheapest_path(spec): 3, worst_path(spec): 1})
            assert found.mean_ms == pytest.approx(0.75 * cheap + 0.25 * worst)
            assert found.worst_ms == pytest.approx(worst)
            assert cheap < worst

    def test_without_paths_the_mean_is_optimistic(self, model: LatencyModel, adaptive: list[TrackerSpec]) -> None:
        for spec in adaptive:
            found = model.predict(spec)
            assert _mean(model, spec, cheapest_path(spec)) - 1e-9 <= found.mean_ms
            assert found.mean_ms < _mean(model, spec, worst_path(spec))
            assert found.worst_ms == pytest.approx(_mean(model, spec, worst_path(spec)))

    def test_half_of_the_layers_skipped(self, model: LatencyModel, students: dict[str, TrackerSpec]) -> None:
        spec = students["bypass"]  # τ0 is one half
        ends = [_mean(model, spec, path) for path in (cheapest_path(spec), worst_path(spec))]
        assert model.predict(spec).mean_ms == pytest.approx(sum(ends) / 2)

    def test_paths_that_there_are_not(self, model: LatencyModel, students: dict[str, TrackerSpec]) -> None:
        first = ExecutionPath(frozenset({0}), 0)  # the first layer is never skipped
        for name, path in (("bypass and exits", first), ("exits", ExecutionPath(frozenset(), 2))):
            with pytest.raises(UsageError):
                model.predict(students[name], {path: 1})

    def test_thresholds_change_nothing(self, model: LatencyModel, students: dict[str, TrackerSpec]) -> None:
        """They decide which paths frames take, and these are given."""
        spec = students["exits"]
        other = replace(spec, exits=(replace(spec.exits[0], tau=0.9), spec.exits[1]))
        paths = {cheapest_path(spec): 1, worst_path(spec): 2}
        assert model.predict(spec, paths) == model.predict(other, paths)

    def test_what_is_covered_is_predicted(self, model: LatencyModel, teacher: TrackerSpec) -> None:
        """What is not is refused, or extrapolated to something finite; never counted as nothing."""
        assert model.covers(teacher)
        beyond = replace(teacher, layers=tuple(replace(each, mlp_hidden=16384) for each in teacher.layers))
        assert not model.covers(beyond)
        try:
            found = model.predict(beyond).mean_ms
        except UncoveredError:
            return
        assert model.predict(teacher).mean_ms < found < math.inf

    def test_travels_to_other_processes(self, model: LatencyModel, students: dict[str, TrackerSpec]) -> None:
        before = {name: model.predict(spec) for name, spec in students.items()}
        other = pickle.loads(pickle.dumps(model))
        assert other == model
        assert {name: other.predict(spec) for name, spec in students.items()} == before


def _mean(model: LatencyModel, spec: TrackerSpec, path: ExecutionPath) -> float:
    """Mean milliseconds where all frames take one path."""
    latency: Latency = model.predict(spec, {path: 1})
    return latency.mean_ms
