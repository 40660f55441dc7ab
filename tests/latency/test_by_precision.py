"""One model for several precisions: each tracker by that of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from compress.core import TrackerSpec, describe
from compress.latency import LatencyByPrecision, LatencyModel, MeasuredLatency, UncoveredError
from compress.latency.estimated import EstimatedLatency, estimated_names, load_estimated
from compress.testing.latency_model_suite import LatencyModelSuite
from compress.testing.recorded_profile import recorded_profile

NANO = describe("ostrack-nano")
LOW = replace(NANO, precision="int8")
FP32, INT8 = (MeasuredLatency(recorded_profile(NANO, target=each)) for each in ("cpu", "cpu:onnxruntime-int8"))


class TestByPrecision(LatencyModelSuite):
    @pytest.fixture
    def model(self) -> LatencyModel:
        return LatencyByPrecision((("fp32", FP32), ("int8", INT8)))

    @pytest.fixture
    def teacher(self) -> TrackerSpec:
        return NANO

    def test_each_is_predicted_by_its_own(self, model: LatencyModel) -> None:
        assert model.predict(NANO) == FP32.predict(NANO)
        assert model.predict(LOW) == INT8.predict(LOW) == INT8.predict(NANO)
        assert model.predict(LOW).mean_ms < model.predict(NANO).mean_ms
        assert model.predict(LOW).runtime.endswith(" int8")
        assert not model.predict(NANO).runtime.endswith(" int8")
        half = replace(NANO, precision="fp16")
        assert model.covers(LOW)
        assert not model.covers(half)
        with pytest.raises(UncoveredError, match="is in fp16, but what was measured is in fp32, int8"):
            model.predict(half)

    def test_errors_are_the_largest(self, model: LatencyModel) -> None:
        worse = MeasuredLatency(replace(INT8.profile, noise=0.1))
        both = LatencyByPrecision((("fp32", FP32), ("int8", worse)))
        assert both.errors == worse.errors != model.errors
        assert both.limits.startswith("In int8: Its errors are given 10.0% wider")
        unknown = MeasuredLatency(replace(INT8.profile, validation=()))
        assert LatencyByPrecision((("fp32", FP32), ("int8", unknown))).errors is None


def test_a_model_of_one_precision_refuses_others() -> None:
    """A latency in fp32 is none in int8."""
    assert not FP32.covers(LOW)
    with pytest.raises(UncoveredError, match="is in int8, but what is known is in fp32"):
        FP32.predict(LOW)
    estimated = EstimatedLatency(load_estimated(estimated_names()[0]))
    with pytest.raises(UncoveredError, match="is in int8, but what is known is in"):
        estimated.predict(LOW)
