"""The latency of a cascade from those of its trackers: by hand, and against drawn frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from compress.core import ACCURATE_ASKED, FAST_ALONE, Latency, UsageError
from compress.latency import cascade_latency

FAST = Latency(2.0, 2.0, 2.0, 2.0, 1.5, "measured", 100, 10, 1, "onnxruntime", "host", noise=0.02)
ACCURATE = replace(FAST, mean_ms=6.0, p50_ms=6.0, p90_ms=6.0, p99_ms=6.0, network_ms=5.5, noise=0.01)


def test_by_hand() -> None:
    found = cascade_latency(FAST, ACCURATE, {FAST_ALONE: 80, ACCURATE_ASKED: 20})
    assert found.mean_ms == pytest.approx(2 + 0.2 * 6)
    assert (found.p50_ms, found.p90_ms, found.p99_ms, found.worst_ms) == pytest.approx((2, 8, 8, 8))
    assert (found.provenance, found.noise) == ("predicted", 0.02)
    assert found.network_ms == pytest.approx(1.5 + 0.2 * 5.5)


@pytest.mark.parametrize(("asked", "p99"), [(0, 2.0), (9, 2.0), (11, 8.0), (1000, 8.0)])
def test_one_frame_in_a_hundred_makes_the_99th_percentile(asked: int, p99: float) -> None:
    paths = {FAST_ALONE: 1000 - asked, ACCURATE_ASKED: asked}
    assert cascade_latency(FAST, ACCURATE, paths).p99_ms == pytest.approx(p99)


def test_an_estimate_stays_one() -> None:
    found = cascade_latency(FAST, replace(ACCURATE, provenance="estimated"), {FAST_ALONE: 1})
    assert found.provenance == "estimated"


def test_percentiles_are_those_of_mixed_frames() -> None:
    """Frames drawn from times that lie straight between the percentiles that are known, and fall off beyond them."""
    shares = [0, 0.5, 0.9, 0.99]
    fast = replace(FAST, p50_ms=2.0, p90_ms=3.0, p99_ms=5.0)
    accurate = replace(ACCURATE, p50_ms=6.0, p90_ms=7.0, p99_ms=12.0)
    u = np.random.default_rng(0).random(200_000)

    def drawn(p50: float, p90: float, p99: float) -> NDArray[np.float64]:
        beyond = p99 - (p99 - p90) * np.log10((1 - u) / 0.01)
        return np.where(u < 0.99, np.interp(u, shares, [p50, p50, p90, p99]), beyond)

    asks = np.random.default_rng(1).random(len(u))
    for asked in (0.005, 0.02, 0.3):
        times = np.where(asks < asked, drawn(8, 10, 17), drawn(2, 3, 5))
        found = cascade_latency(
            fast, accurate, {FAST_ALONE: 1000 - round(1000 * asked), ACCURATE_ASKED: round(1000 * asked)}
        )
        assert (found.p50_ms, found.p90_ms, found.p99_ms) == pytest.approx(np.percentile(times, [50, 90, 99]), rel=0.02)


def test_no_frames_are_refused() -> None:
    with pytest.raises(UsageError, match="there are none"):
        cascade_latency(FAST, ACCURATE, {})
