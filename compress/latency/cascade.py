"""Latency of a cascade from those of its two trackers."""

from __future__ import annotations

from collections.abc import Mapping

from compress.core import ACCURATE_ASKED, ExecutionPath, Latency, UsageError
from compress.latency.mixture import mixture_percentile

_SHARES = ((0.50, "p50"), (0.90, "p90"), (0.99, "p99"))


def cascade_latency(fast: Latency, accurate: Latency, paths: Mapping[ExecutionPath, int]) -> Latency:
    """What a cascade takes over frames counted by their execution path.

    A frame about which the accurate tracker was asked takes as long as both trackers, of which the crop that they
    share is counted twice, and its percentiles are the sums of theirs, as if what slows one frame slowed both: each
    a little too much. What of a tracker's frames is faster than its median counts as the median; `mixture_percentile`
    says what is slower than its 99th percentile.

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
    alone = [(share, fast.at(each)) for share, each in _SHARES]
    both = [(share, fast.at(each) + accurate.at(each)) for share, each in _SHARES]
    kinds = [(1 - asked, alone), (asked, both)]
    p50, p90, p99 = (mixture_percentile([each for each in kinds if each[0]], share) for share, _ in _SHARES)
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
