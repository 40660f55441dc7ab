"""Both latency models keep what every one has to; an error above all: an unknown cost is never nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from compress.core import TrackerSpec, describe
from compress.latency import LatencyModel, MeasuredLatency, Profile
from compress.latency.estimated import EstimatedLatency, load_estimated
from compress.testing.latency_model_suite import LatencyModelSuite
from compress.testing.toy_profile import layer, tracker


class TestMeasured(LatencyModelSuite):
    @pytest.fixture
    def model(self, routing_overhead: Profile) -> LatencyModel:
        return MeasuredLatency(routing_overhead)

    @pytest.fixture
    def teacher(self) -> TrackerSpec:
        return tracker(*(layer(i) for i in range(4)))


class TestEstimated(LatencyModelSuite):
    @pytest.fixture(params=["agx", "agx:pytorch", "orin-nx", "orin-nx:pytorch"])
    def model(self, request: pytest.FixtureRequest) -> LatencyModel:
        return EstimatedLatency(load_estimated(request.param))

    @pytest.fixture
    def teacher(self) -> TrackerSpec:
        """Between the trackers that the figures of all four targets are of."""
        whole = describe("ostrack256")
        return replace(whole, layers=whole.layers[:8])


def test_errors_are_those_of_the_validation_set(routing_overhead: Profile) -> None:
    errors = MeasuredLatency(routing_overhead).errors
    assert errors is not None
    assert errors.mean == pytest.approx((0.01 + 0.06) / 2)
    assert errors.max == pytest.approx(0.06)
    assert errors.paths_mean == pytest.approx(0.5 / 10.5)


def test_errors_are_those_of_trackers_left_out_of_the_fit() -> None:
    profile = load_estimated("agx")
    errors = EstimatedLatency(profile).errors
    left_out = [abs(figure.left_out_error) for figure in profile.figures]
    assert errors.max == pytest.approx(max(left_out), abs=1e-3)
    assert errors.mean == pytest.approx(sum(left_out) / len(left_out), abs=1e-3)
