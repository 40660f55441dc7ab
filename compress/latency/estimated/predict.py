"""Latency of a spec from an estimated profile."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from compress.core import ExecutionPath, Latency, TrackerSpec
from compress.latency.estimated.profile import EstimatedProfile, widths
from compress.latency.estimated.work import FrameCost, expected_work, frame_work
from compress.latency.model import LatencyErrors, check_precision


@dataclass(frozen=True)
class EstimatedLatency:
    """The `LatencyModel` of a device by published speeds.

    These are means, so that percentiles repeat the mean, and only the mean and the worst path can be bound.
    """

    profile: EstimatedProfile

    @property
    def provenance(self) -> Literal["estimated"]:
        """Always `estimated`."""
        return "estimated"

    @property
    def errors(self) -> LatencyErrors:
        """On the published figures, each by coefficients fitted without its tracker."""
        return LatencyErrors(self.profile.leave_one_out.mean, self.profile.leave_one_out.max)

    @property
    def limits(self) -> str:
        """As stated in the profile."""
        return self.profile.limits

    @property
    def basis(self) -> str:
        """How many figures the profile was fitted to."""
        return f"{len(self.profile.figures)} published speeds"

    @property
    def known_figures(self) -> tuple[str, ...]:
        """The mean, and the mean of the worst path."""
        return ("mean", "worst")

    def covers(self, spec: TrackerSpec) -> bool:
        """Whether `spec`, on its worst path, is as wide and as much work as something that was fitted.

        What is not covered is extrapolated, and how far that is off is not known.
        """
        reach = self.profile.reach
        inside = all(_within(width, reach.widths) for width in widths(spec))
        return inside and _within(frame_work(spec, self.profile.runtime).gmacs, reach.gmacs)

    def predict(self, spec: TrackerSpec, paths: Mapping[ExecutionPath, int] | None = None) -> Latency:
        """See `LatencyModel.predict`; nothing is refused as uncovered but another precision."""
        check_precision(spec, self.profile.precision)
        if not spec.adaptive:
            return estimate_latency(self.profile, spec)
        mean = _over(self.profile, spec, paths) if paths else optimistic_latency(self.profile, spec)
        return replace(mean, worst_ms=estimate_latency(self.profile, spec).mean_ms)


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


def estimate_latency(
    profile: EstimatedProfile, spec: TrackerSpec, *, skipped: Collection[int] = (), exit: int | None = None
) -> Latency:
    """Latency of one path through `spec`; without `skipped` and `exit` the worst.

    Only a mean can be fitted to published means: the percentiles repeat it, and `runs` is 0, as nothing was timed.
    `threads` is 0 too: no published speed comes with their number.

    Args:
        skipped: Layers that bypass leaves out, from 0.
        exit: Index of the exit taken; None is the last.

    Raises:
        UsageError: a layer that is never skipped, or an exit that there is not.
    """
    return _latency(profile, frame_work(spec, profile.runtime, skipped=skipped, exit=exit))


def optimistic_latency(profile: EstimatedProfile, spec: TrackerSpec) -> Latency:
    """The mean where the share τ0 of the layers that bypass may skip is skipped, and the first exit is taken."""
    share = spec.bypass.tau0 if spec.bypass else 0.0
    exit = 0 if spec.exits else None
    return _latency(profile, expected_work(spec, profile.runtime, skipped_share=share, exit=exit))


def estimate_range(profile: EstimatedProfile, spec: TrackerSpec) -> LatencyRange:
    """Bounds of what an adaptive tracker takes on average, before its execution paths have been counted."""
    worst = estimate_latency(profile, spec)
    if not spec.adaptive:
        return LatencyRange(worst, worst, worst)
    first = 0 if spec.exits else None
    cheapest = estimate_latency(profile, spec, skipped=spec.skippable, exit=first)
    return LatencyRange(cheapest, optimistic_latency(profile, spec), worst)


def _over(profile: EstimatedProfile, spec: TrackerSpec, paths: Mapping[ExecutionPath, int]) -> Latency:
    """The mean over frames counted by their path."""
    frames = sum(paths.values())
    found = [
        (count / frames, estimate_latency(profile, spec, skipped=path.skipped or (), exit=path.exit))
        for path, count in paths.items()
    ]
    mean = sum(share * each.mean_ms for share, each in found)
    network = sum(share * each.network_ms for share, each in found)
    return replace(found[0][1], mean_ms=mean, p50_ms=mean, p90_ms=mean, p99_ms=mean, network_ms=network)


def _latency(profile: EstimatedProfile, work: FrameCost) -> Latency:
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


def _within(value: float, span: tuple[float, float]) -> bool:
    return span[0] <= value <= span[1]
