"""Latency of a cascade from those of its two trackers."""

from __future__ import annotations

from collections.abc import Mapping

from compress.core import ACCURATE_ASKED, ExecutionPath, Latency, UsageError

_FIGURES = ("p50", "p90", "p99")
_SHARES = (0.50, 0.90, 0.99)


def cascade_latency(fast: Latency, accurate: Latency, paths: Mapping[ExecutionPath, int]) -> Latency:
    """What a cascade takes over frames counted by their execution path.

    A frame about which the accurate tracker was asked takes as long as both trackers, of which the crop that they
    share is counted twice, and its percentiles are the sums of theirs, as if what slows one frame slowed both: each
    a little too much. What of a tracker's frames is faster than its median counts as the median.

    Returns:
        `worst_ms` is the mean of frames that all ask. It is `predicted`, also from measured latencies; `estimated`
        where one of them is.

    Raises:
        UsageError: no frames.
    """
    frames = sum(paths.values())
    if not frames:
        raise UsageError("The latency of a cascade depends on its frames, but there are none.")
    asked = paths.get(ACCURATE_ASKED, 0) / frames
    knots = [(1 - asked, [fast.at(each) for each in _FIGURES])]
    knots += [(asked, [fast.at(each) + accurate.at(each) for each in _FIGURES])]
    p50, p90, p99 = (_percentile(knots, share) for share in _SHARES)
    estimated = "estimated" in (fast.provenance, accurate.provenance)
    return Latency(
        mean_ms=fast.mean_ms + asked * accurate.mean_ms,
        p50_ms=p50,
        p90_ms=p90,
        p99_ms=p99,
        network_ms=fast.network_ms + asked * accurate.network_ms,
        provenance="estimated" if estimated else "predicted",
        runs=min(fast.runs, accurate.runs),
        warmup=min(fast.warmup, accurate.warmup),
        threads=fast.threads,
        runtime=fast.runtime,
        device=fast.device,
        worst_ms=fast.mean_ms + accurate.mean_ms,
        noise=max(fast.noise, accurate.noise),
    )


def _percentile(knots: list[tuple[float, list[float]]], share: float) -> float:
    """The time that a share of all frames stays within; `knots` are weights and three rising percentiles of each."""
    low, high = min(ms[0] for _, ms in knots), max(ms[-1] for _, ms in knots)
    if _below(knots, low) >= share:
        return low
    for _ in range(60):
        middle = (low + high) / 2
        if _below(knots, middle) < share:
            low = middle
        else:
            high = middle
    return high


def _below(knots: list[tuple[float, list[float]]], ms: float) -> float:
    return sum(weight * _share_below(each, ms) for weight, each in knots)


def _share_below(percentiles: list[float], ms: float) -> float:
    """The share of one kind of frames within a time, straight between the percentiles known."""
    if ms < percentiles[0]:
        return 0.0
    if ms >= percentiles[-1]:
        return 1.0
    for k, (first, last) in enumerate(zip(percentiles, percentiles[1:], strict=False)):
        if first <= ms < last:
            return _SHARES[k] + (_SHARES[k + 1] - _SHARES[k]) * (ms - first) / (last - first)
    return _SHARES[-1]
