"""Percentiles over frames of several kinds, from the percentiles that are known of each kind."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

Knots = Sequence[tuple[float, float]]
"""Shares of the frames of one kind, rising, and the ms that each stays within, rising too."""


def mixture_percentile(kinds: Sequence[tuple[float, Knots]], share: float) -> float:
    """The time in ms that a share of all frames stays within.

    Between the percentiles that are known times lie straight, and none below the lowest. Above the highest the share
    that takes longer falls exponentially, as fast as it does between the two highest: where another kind of frames
    takes up a part of what is allowed to be slower, a percentile of all frames is a higher one of each kind.

    Args:
        kinds: Weight of each kind, adding up to 1, and its percentiles, two at least.
        share: Below 1.
    """
    low = min(knots[0][1] for _, knots in kinds)
    high = max(knots[-1][1] for _, knots in kinds)
    while _all_below(kinds, high) < share:
        high *= 2
    if _all_below(kinds, low) >= share:
        return low
    for _ in range(60):
        middle = (low + high) / 2
        if _all_below(kinds, middle) < share:
            low = middle
        else:
            high = middle
    return high


def _all_below(kinds: Sequence[tuple[float, Knots]], ms: float) -> float:
    return sum(weight * _below(knots, ms) for weight, knots in kinds)


def _below(knots: Knots, ms: float) -> float:
    """The share of one kind of frames within a time."""
    if ms < knots[0][1]:
        return 0.0
    (before, second), (last, highest) = knots[-2:]
    if ms >= highest:
        if highest <= second:
            return 1.0
        falls = ((1 - last) / (1 - before)) ** ((ms - highest) / (highest - second))
        return 1 - (1 - last) * float(falls)
    i = bisect_right([each for _, each in knots], ms) - 1
    (below, left), (above, right) = knots[i], knots[i + 1]
    return below + (above - below) * (ms - left) / (right - left)
