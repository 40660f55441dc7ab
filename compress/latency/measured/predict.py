"""Latency of a spec from a profile: its components, scaled, and the frame loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from compress.core import LATENCY_FIGURES, ExecutionPath, Latency, TrackerSpec
from compress.latency.measured.mixture import percentile
from compress.latency.measured.paths import optimistic_network_ms, path_network_ms, shares, worst_path
from compress.latency.measured.profile import Profile, under
from compress.latency.model import LatencyErrors, UncoveredError


@dataclass(frozen=True)
class MeasuredLatency:
    """The `LatencyModel` of one family of trackers, from the parts measured on a device."""

    profile: Profile

    @property
    def provenance(self) -> Literal["predicted", "estimated"]:
        return _provenance(self.profile)

    @property
    def errors(self) -> LatencyErrors | None:
        """On the validation set of the profile; None where it has none."""
        profile, paths = self.profile, self.profile.routing_overhead
        if profile.mean_error is None or profile.max_error is None:
            return None
        return LatencyErrors(profile.mean_error, profile.max_error, paths.mean_error if paths else None)

    @property
    def limits(self) -> str:
        return ""

    @property
    def basis(self) -> str:
        return f"parts measured under {under(self.profile.runtime, self.profile.precision)}"

    @property
    def known_figures(self) -> tuple[str, ...]:
        return LATENCY_FIGURES

    def covers(self, spec: TrackerSpec) -> bool:
        """Whether every part of `spec` was measured; what is not covered is refused."""
        try:
            self.predict(spec)
        except UncoveredError:
            return False
        return True

    def predict(self, spec: TrackerSpec, paths: Mapping[ExecutionPath, int] | None = None) -> Latency:
        """See `LatencyModel.predict`, and `predict` for how."""
        return predict(self.profile, spec, paths)


def predict(profile: Profile, spec: TrackerSpec, paths: Mapping[ExecutionPath, int] | None = None) -> Latency:
    """Latency of the whole frame loop.

    The components of a profile are 10th percentiles, the statistic that adds up. Mean and percentiles are the
    predicted 10th percentile times the ratio that whole trackers showed while the profile was measured; over frames
    that take different paths, they are those of the mixture.

    Args:
        paths: Of an adaptive tracker, frames counted by the path they took. Without them its mean and percentiles are
            an optimistic bound: the share τ0 of the layers skipped, the first exit taken.

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
        provenance=_provenance(profile),
        runs=profile.runs,
        warmup=profile.warmup,
        threads=profile.threads,
        runtime=under(profile.runtime, profile.precision),
        device=profile.device,
        worst_ms=worst and worst * ratios.mean,
    )


def _provenance(profile: Profile) -> Literal["predicted", "estimated"]:
    return "predicted" if profile.provenance == "measured" else "estimated"


def _lows(profile: Profile, spec: TrackerSpec, paths: Mapping[ExecutionPath, int] | None) -> list[tuple[float, float]]:
    """Weight of each path, and the 10th percentile of its network."""
    if not spec.adaptive:
        return [(1.0, network_p10_ms(profile, spec))]
    if not paths:
        return [(1.0, optimistic_network_ms(profile, spec))]
    return [(weight, path_network_ms(profile, spec, path)) for weight, path in shares(paths)]


def p10_ms(profile: Profile, spec: TrackerSpec) -> float:
    """10th percentile of the whole frame loop, on the worst path where there are several. Raises as `predict`."""
    return network_p10_ms(profile, spec) + profile.loop_ms


def network_p10_ms(profile: Profile, spec: TrackerSpec) -> float:
    """10th percentile of the network within the loop, on the worst path. Raises as `predict`."""
    return path_network_ms(profile, spec, worst_path(spec))
