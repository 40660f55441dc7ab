"""Latency of a spec from a profile: its components, scaled, and the frame loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from compress.core import ExecutionPath, Latency, TrackerSpec, worst_path
from compress.latency.measured.paths import optimistic_network_ms, path_network_ms, shares
from compress.latency.measured.profile import Profile
from compress.latency.measured.profile_fields import Ratios, runtime_label
from compress.latency.mixture import mixture_percentile
from compress.latency.model import check_precision

_SHARES = (0.10, 0.50, 0.90, 0.99)
"""Shares of runs below the 10th, 50th, 90th and 99th percentile."""


def predict(profile: Profile, spec: TrackerSpec, paths: Mapping[ExecutionPath, int] | None = None) -> Latency:
    """Latency of the whole frame loop.

    The components of a profile are 10th percentiles, the statistic that adds up. Mean and percentiles are the
    predicted 10th percentile times the ratio that whole trackers showed while the profile was measured; over frames
    that take different paths, they are those of the mixture.

    Args:
        paths: Of an adaptive tracker, frames counted by the path they took. Without them its mean and percentiles are
            an optimistic bound: the share τ0 of the layers skipped, the first exit taken.

    Raises:
        UncoveredError: naming every component of `spec` that the profile does not cover, or its precision.
    """
    check_precision(spec, profile.precision)
    path_p10s = _path_p10s(profile, spec, paths)
    ratios, loop = profile.ratios, profile.loop_ms
    network = sum(weight * ms for weight, ms in path_p10s)
    whole = [(weight, ms + loop) for weight, ms in path_p10s]
    worst = path_network_ms(profile, spec, worst_path(spec)) + loop if spec.adaptive else None
    return Latency(
        mean_ms=(network + loop) * ratios.mean,
        p50_ms=_percentile(whole, ratios, 0.50),
        p90_ms=_percentile(whole, ratios, 0.90),
        p99_ms=_percentile(whole, ratios, 0.99),
        network_ms=network * ratios.mean,
        provenance=provenance_of(profile),
        runs=profile.runs,
        warmup=profile.warmup,
        threads=profile.threads,
        runtime=runtime_label(profile.runtime, profile.precision),
        device=profile.device,
        worst_ms=worst and worst * ratios.mean,
        noise=max(profile.noise, profile.routing_overhead.noise if spec.adaptive and profile.routing_overhead else 0.0),
    )


def provenance_of(profile: Profile) -> Literal["predicted", "estimated"]:
    """That of every latency predicted from a profile."""
    return "predicted" if profile.provenance == "measured" else "estimated"


def _path_p10s(
    profile: Profile, spec: TrackerSpec, paths: Mapping[ExecutionPath, int] | None
) -> list[tuple[float, float]]:
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


def _percentile(path_p10s: Sequence[tuple[float, float]], ratios: Ratios, share: float) -> float:
    """The time that a `share` of all frames stays within: 0.5, 0.9 or 0.99.

    Args:
        path_p10s: Weight of each path, adding up to 1, and its 10th percentile in ms.
        ratios: How the runs of any one path spread, as multiples of its 10th percentile.
    """
    spread = tuple(zip(_SHARES, (1.0, ratios.p50, ratios.p90, ratios.p99), strict=True))
    if len(path_p10s) == 1:
        return path_p10s[0][1] * dict(spread)[share]
    return mixture_percentile([(weight, [(s, ms * r) for s, r in spread]) for weight, ms in path_p10s], share)
