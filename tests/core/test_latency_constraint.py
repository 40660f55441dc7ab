"""The latency bound of a search: made from settings, asked about latencies."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from compress.core import Latency, LatencyConstraint, UsageError

STATIC = Latency(2.0, 1.9, 2.4, 3.0, 1.5, "predicted", 50, 30, 1, "abacus 1", "an abacus")
ADAPTIVE = replace(STATIC, worst_ms=4.0)


def test_frames_per_second() -> None:
    found = LatencyConstraint.of(fps=400.0)
    assert found == LatencyConstraint(2.5, {"fps": 400.0})
    assert found.met_by(STATIC)
    assert not LatencyConstraint.of(fps=501.0).met_by(STATIC)


@pytest.mark.parametrize(("at", "ms"), [("mean", 1.0), ("p99", 1.5), ("worst", 2.0)])
def test_speedup_is_relative_to_the_same_figure_of_the_teacher(at: str, ms: float) -> None:
    found = LatencyConstraint.of(speedup=2.0, at=at, teacher=ADAPTIVE)
    assert found == LatencyConstraint(ms, {"speedup": 2.0}, at)


@pytest.mark.parametrize("given", [{}, {"speedup": 2.0}])
def test_nothing_is_bound_without_a_speed_or_its_teacher(given: dict[str, Any]) -> None:
    found = LatencyConstraint.of(**given)
    assert found.max_ms is None
    assert found.aim_ms() is None
    assert found.met_by(STATIC)
    assert not found.met_by(None)
    assert found.met_at_worst(ADAPTIVE) is None
    assert found.check(STATIC).over_ms == -math.inf
    assert found.check(STATIC).reason == "predicted 2 ms"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"fps": 30.0, "speedup": 2.0}, "not by both"),
        ({"fps": 0.0}, "--fps must be a number of frames per second from 0.001 to 1,000,000 but is 0"),
        ({"speedup": math.nan}, "--speedup must be a number from 0.001 to 10,000 but is nan"),
        ({"fps": math.inf}, "--fps must be a number of frames per second .* but is inf"),
        ({"fps": 30.0, "at": "p42"}, "--fps-at must be one of mean, p50"),
    ],
)
def test_impossible_bounds_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        LatencyConstraint.of(**given)


def test_a_bound_is_kept_up_to_the_bound_itself() -> None:
    assert LatencyConstraint(2.0).check(STATIC).passes
    check = LatencyConstraint(1.5).check(STATIC)
    assert not check.passes
    assert check.over_ms == pytest.approx(0.5)
    assert check.reason == "predicted 2 ms, over the bound of 1.5 ms"
    assert LatencyConstraint(3.0, at="p99").check(STATIC).reason == "predicted 3 ms (p99), within the bound of 3 ms"


def test_a_tracker_of_one_path_is_at_its_worst_at_its_mean() -> None:
    worst = LatencyConstraint(3.0, at="worst")
    assert worst.met_by(STATIC)
    assert not worst.met_by(ADAPTIVE)
    assert LatencyConstraint(3.0).met_at_worst(ADAPTIVE) is False
    assert LatencyConstraint(4.0).met_at_worst(ADAPTIVE) is True
    assert LatencyConstraint(3.0).met_at_worst(STATIC) is None


def test_what_is_optimistic_says_so_unless_the_worst_path_is_bound() -> None:
    assert LatencyConstraint(3.0).check(ADAPTIVE, optimistic=True).reason.startswith("predicted 2 ms at best")
    exact = LatencyConstraint(3.0, at="worst").check(ADAPTIVE, optimistic=True)
    assert not exact.optimistic
    assert exact.reason == "predicted 4 ms (worst), over the bound of 3 ms"


def test_exit_thresholds_aim_a_little_below_the_bound() -> None:
    """By about what predictions are off by; much less would give away accuracy that the bound leaves room for."""
    assert LatencyConstraint(10.0).aim_ms() == pytest.approx(9.5)
    assert LatencyConstraint(10.0, at="p99").aim_ms() is None
    assert LatencyConstraint(10.0, at="worst").aim_ms() is None


def test_noise_widens_the_margin_of_what_is_predicted() -> None:
    noisy = replace(STATIC, mean_ms=10.8, noise=0.1)
    bound = LatencyConstraint(10.0)
    assert bound.check(noisy).passes
    assert not bound.check(replace(noisy, noise=0.05)).passes
    assert not bound.check(replace(noisy, provenance="measured")).passes, "what was measured is not predicted"
    assert not bound.check(replace(STATIC, mean_ms=13.0, noise=5.0)).passes, "no noise makes everything pass"
    assert bound.aim_ms(0.1) == pytest.approx(8.5)
    assert bound.aim_ms(5.0) == pytest.approx(7.0)
