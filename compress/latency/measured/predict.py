"""Latency of a spec from a profile: its parts, scaled, and the frame loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compress.core import ExecutionPath, Latency, TrackerSpec
from compress.latency.measured.mixture import percentile
from compress.latency.measured.paths import optimistic_network_ms, path_network_ms, shares, worst_path
from compress.latency.measured.profile import Profile, under


@dataclass(frozen=True)
class ConstraintCheck:
    """Whether a spec keeps a bound, by prediction.

    Attributes:
        at: The figure that is bound, one of `LATENCY_FIGURES`.
        optimistic: The figure is a bound itself: nobody has counted the ways of this adaptive tracker yet.
    """

    latency: Latency
    bound_ms: float
    at: str = "mean"
    optimistic: bool = False

    @property
    def over_ms(self) -> float:
        """By how much the bound is missed; negative where it is kept."""
        return self.latency.at(self.at) - self.bound_ms

    @property
    def passes(self) -> bool:
        return self.over_ms <= 0

    @property
    def reason(self) -> str:
        """One line for the archive."""
        word = "within" if self.passes else "over"
        figure = "" if self.at == "mean" else f" ({self.at})"
        at_best = " at best" if self.optimistic else ""
        found = f"{self.latency.provenance} {self.latency.at(self.at):.3g} ms{figure}{at_best}"
        return f"{found}, {word} the bound of {self.bound_ms:.3g} ms"


def gate(
    profile: Profile,
    spec: TrackerSpec,
    bound_ms: float,
    *,
    at: str = "mean",
    paths: Mapping[ExecutionPath, int] | None = None,
) -> ConstraintCheck:
    """Hold a figure of the predicted latency of `spec` against a bound in ms.

    The worst way of an adaptive tracker is known before its frames are; without `paths` other figures are optimistic.

    Raises:
        UncoveredError: as `predict`.
    """
    return ConstraintCheck(
        predict(profile, spec, paths), bound_ms, at, optimistic=spec.adaptive and not paths and at != "worst"
    )


def predict(profile: Profile, spec: TrackerSpec, paths: Mapping[ExecutionPath, int] | None = None) -> Latency:
    """Latency of the whole frame loop.

    The parts of a profile are 10th percentiles, the statistic that adds up. Mean and percentiles are the
    predicted 10th percentile times the ratio that whole trackers showed while the profile was measured; over frames
    that take different ways, they are those of the mixture.

    Args:
        ways: Of an adaptive tracker, frames counted by the way they took. Without them its mean and percentiles are an
            optimistic bound: the share τ0 of the layers skipped, the first exit taken.

    Raises:
        UncoveredError: naming every part of `spec` that the profile does not cover.
    """
    lows = _lows(profile, spec, paths)
    ratios, loop = profile.ratios, profile.loop_ms
    network = sum(weight * ms for weight, ms in lows)
    whole = [(weight, ms + loop) for weight, ms in lows]
    worst = path_network_ms(profile, spec, worst_path(spec)) + loop if spec.adaptive else None
    return Latency(
        mean_ms=(network + loop) * ratios.mean,
        p50_ms=percentile(whole, ratios, 0.50),
        p90_ms=percentile(whole, ratios, 0.90),
        p99_ms=percentile(whole, ratios, 0.99),
        network_ms=network * ratios.mean,
        provenance="predicted" if profile.provenance == "measured" else "estimated",
        runs=profile.runs,
        warmup=profile.warmup,
        threads=profile.threads,
        runtime=under(profile.runtime, profile.precision),
        device=profile.device,
        worst_ms=worst and worst * ratios.mean,
    )


def _lows(profile: Profile, spec: TrackerSpec, paths: Mapping[ExecutionPath, int] | None) -> list[tuple[float, float]]:
    """Weight of each way, and the 10th percentile of its network."""
    if not spec.adaptive:
        return [(1.0, network_p10_ms(profile, spec))]
    if not paths:
        return [(1.0, optimistic_network_ms(profile, spec))]
    return [(weight, path_network_ms(profile, spec, path)) for weight, path in shares(paths)]


def p10_ms(profile: Profile, spec: TrackerSpec) -> float:
    """10th percentile of the whole frame loop, on the worst way where there are several. Raises as `predict`."""
    return network_p10_ms(profile, spec) + profile.loop_ms


def network_p10_ms(profile: Profile, spec: TrackerSpec) -> float:
    """10th percentile of the network within the loop, on the worst way. Raises as `predict`."""
    return path_network_ms(profile, spec, worst_path(spec))
