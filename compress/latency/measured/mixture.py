"""Percentiles over frames that take different ways."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from compress.latency.measured.profile import Ratios

_SHARES = (0.10, 0.50, 0.90, 0.99)
"""Shares of runs below the 10th, 50th, 90th and 99th percentile."""


def percentile(lows: Sequence[tuple[float, float]], ratios: Ratios, share: float) -> float:
    """The time that a `share` of all frames stays within: 0.5, 0.9 or 0.99.

    Args:
        lows: Weight of each way, adding up to 1, and its 10th percentile in ms.
        ratios: How the runs of any one way spread, as multiples of its 10th percentile.
    """
    knots = (1.0, ratios.p50, ratios.p90, ratios.p99)
    if len(lows) == 1:
        return lows[0][1] * knots[_SHARES.index(share)]
    low = min(ms for _, ms in lows)
    high = max(ms for _, ms in lows) * knots[-1]
    for _ in range(60):
        middle = (low + high) / 2
        if sum(weight * _below(middle / ms, knots) for weight, ms in lows) < share:
            low = middle
        else:
            high = middle
    return high


def _below(ratio: float, knots: Sequence[float]) -> float:
    """Share of a way's runs below `ratio` times its 10th percentile, straight between the percentiles known."""
    if ratio < knots[0]:
        return 0.0
    if ratio >= knots[-1]:
        return 1.0
    i = bisect_right(knots, ratio) - 1
    return _SHARES[i] + (_SHARES[i + 1] - _SHARES[i]) * (ratio - knots[i]) / (knots[i + 1] - knots[i])
