"""Latency on devices that nobody here has, from coefficients fitted to published speeds.

A frame costs its kernel launches and its multiply-accumulates, each at a rate, and constants for the call and for the
loop around the network. docs/agx.md tells how well that holds.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import NamedTuple

from compress.core import Latency, TrackerSpec, UsageError
from compress.latency.estimated.file import UNFITTED, estimated_names, load_estimated
from compress.latency.estimated.profile import EstimatedProfile, widths
from compress.latency.estimated.work import FrameWork, expected_work, frame_work

__all__ = [
    "EstimatedProfile",
    "LatencyRange",
    "UNFITTED",
    "estimate",
    "estimate_expected",
    "estimate_range",
    "estimated_names",
    "extrapolates",
    "load_estimated",
]


class LatencyRange(NamedTuple):
    """Where a tracker's mean latency may lie. All three are equal where every frame does the same.

    Attributes:
        cheapest: Everything skipped that may be, and the first exit taken.
        optimistic: The share τ0 skipped, and the first exit taken: what trackers are gated on before training.
        worst: Nothing skipped, and the last exit taken.
    """

    cheapest: Latency
    optimistic: Latency
    worst: Latency


def estimate(
    profile: EstimatedProfile, spec: TrackerSpec, *, skipped: Collection[int] = (), exit: int | None = None
) -> Latency:
    """Latency of one path through `spec`; without `skipped` and `exit` the worst.

    Only a mean can be fitted to published means: the percentiles repeat it, and `runs` is 0 to say that nothing was
    timed. `threads` is 0 too: none of these devices tells.

    Args:
        skipped: Layers that bypass leaves out, from 0.
        exit: Index of the exit taken; None is the last.

    Raises:
        UsageError: a layer that is never skipped, or an exit that there is not.
    """
    return _latency(profile, frame_work(spec, profile.runtime, skipped=skipped, exit=exit))


def estimate_range(profile: EstimatedProfile, spec: TrackerSpec) -> LatencyRange:
    """Bounds of what an adaptive tracker takes on average, before anyone knows its frames."""
    worst = estimate(profile, spec)
    if not spec.adaptive:
        return LatencyRange(worst, worst, worst)
    first = 0 if spec.exits else None
    return LatencyRange(
        cheapest=estimate(profile, spec, skipped=spec.skippable, exit=first),
        optimistic=estimate_expected(profile, spec),
        worst=worst,
    )


def estimate_expected(
    profile: EstimatedProfile,
    spec: TrackerSpec,
    *,
    skipped_share: float | None = None,
    exit_shares: Sequence[float] | None = None,
) -> Latency:
    """Mean latency over frames.

    Args:
        skipped_share: Share of the layers bypass may skip that it does skip; None takes τ0.
        exit_shares: Share of the frames that leave at each exit; None lets all leave at the first.

    Raises:
        UsageError: shares that are none.
    """
    share = _skipped_share(spec, skipped_share)
    if not spec.exits:
        return _latency(profile, expected_work(spec, profile.runtime, skipped_share=share))
    work = FrameWork(0, 0)
    for k, frames in enumerate(_exit_shares(spec, exit_shares)):
        if frames:
            work = work.plus(expected_work(spec, profile.runtime, skipped_share=share, exit=k).times(frames))
    return _latency(profile, work)


def extrapolates(profile: EstimatedProfile, spec: TrackerSpec) -> bool:
    """Whether `spec`, on its worst path, is wider, narrower or more or less work than all the profile was fitted to."""
    reach = profile.reach
    inside = all(_within(width, reach.widths) for width in widths(spec))
    return not (inside and _within(frame_work(spec, profile.runtime).gmacs, reach.gmacs))


def _latency(profile: EstimatedProfile, work: FrameWork) -> Latency:
    costs = profile.coefficients
    network = costs.launch_us / 1000 * work.launches + costs.ms_per_gmac * work.gmacs + costs.call_ms
    mean = network + costs.loop_ms
    return Latency(
        mean_ms=mean,
        p50_ms=mean,
        p90_ms=mean,
        p99_ms=mean,
        network_ms=network,
        provenance="estimated",
        runs=0,
        warmup=0,
        threads=0,
        runtime=f"{profile.runtime} {profile.precision}",
        device=profile.device,
    )


def _skipped_share(spec: TrackerSpec, given: float | None) -> float:
    share = given if given is not None else spec.bypass.tau0 if spec.bypass else 0.0
    if not 0 <= share <= 1:
        raise UsageError(f"skipped_share must be from 0 to 1 but is {share}.")
    return share


def _exit_shares(spec: TrackerSpec, given: Sequence[float] | None) -> Sequence[float]:
    shares = [1.0] + [0.0] * (len(spec.exits) - 1) if given is None else given
    sound = len(shares) == len(spec.exits) and all(share >= 0 for share in shares)
    if not sound or not math.isclose(sum(shares), 1, abs_tol=1e-6):
        raise UsageError(f"exit_shares must be {len(spec.exits)} numbers ≥ 0 that add up to 1 but are {list(shares)}.")
    return shares


def _within(value: float, span: tuple[float, float]) -> bool:
    return span[0] <= value <= span[1]
