"""Targets: what a search can aim at, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from compress.core import Latency, TrackerSpec, UsageError, Way, unknown_name
from compress.measure.corners import Corners
from compress.measure.cpu import cpu_profile
from compress.measure.host import host, runtime_name
from compress.measure.rounds import Report
from compress.measure.whole import RUNS, measure_many
from compress.models import Tracker
from compress.profiles import Profile
from compress.profiles.estimated import (
    UNFITTED,
    EstimatedProfile,
    estimate,
    estimate_expected,
    estimated_names,
    extrapolates,
    load_estimated,
)

_LATER = ("gpu",)
"""Targets that are planned; naming one deserves a better answer than a close match."""

_KNOWN_OF_ESTIMATES = ("mean", "worst")
"""What published speeds, which are means, can tell of `LATENCY_FIGURES`."""


@dataclass(frozen=True)
class Target:
    """A device with a runtime and precision. `cpu` is always this host.

    Attributes:
        estimates: What published speeds tell of a device that is not here; None where latency is measured.
    """

    name: str
    runtime: str
    precision: str
    device: str
    estimates: EstimatedProfile | None = None

    @property
    def provenance(self) -> Literal["measured", "estimated"]:
        """What its figures rest on: parts measured on the device, or published speeds."""
        return "measured" if self.estimates is None else "estimated"

    def profile(
        self,
        teacher: TrackerSpec,
        *,
        corners: Corners | None = None,
        threads: int = 1,
        refresh: bool = False,
        report: Report | None = None,
    ) -> Profile:
        """The profile for the family of `teacher`, measured first where it is absent; see `cpu_profile`.

        Raises:
            UsageError: an estimated target.
        """
        self._check_here()
        return cpu_profile(teacher, corners=corners, threads=threads, refresh=refresh, report=report)

    def measure(
        self,
        trackers: Mapping[str, Tracker | TrackerSpec],
        *,
        ways: Mapping[str, Mapping[Way, int]] | None = None,
        threads: int = 1,
        runs: int = RUNS,
        report: Report | None = None,
    ) -> dict[str, Latency]:
        """Latency of whole trackers in one shuffled run; see `measure_many`.

        Raises:
            UsageError: an estimated target.
        """
        self._check_here()
        return measure_many(trackers, ways=ways, threads=threads, runs=runs, report=report)

    def estimate(self, spec: TrackerSpec, ways: Mapping[Way, int] | None = None) -> Latency:
        """Latency by published speeds: `worst_ms` of adaptive trackers too, and their mean over `ways`.

        Args:
            ways: Frames counted by the way they took. Without them the mean of an adaptive tracker is a bound: the
                share τ0 of the layers skipped, the first exit taken.

        Raises:
            UsageError: not an estimated target, or a way that `spec` does not have.
        """
        profile = self._estimates()
        if not spec.adaptive:
            return estimate(profile, spec)
        mean = _over(profile, spec, ways) if ways else estimate_expected(profile, spec)
        return replace(mean, worst_ms=estimate(profile, spec).mean_ms)

    def extrapolates(self, spec: TrackerSpec) -> bool:
        """Whether `spec` lies beyond all that the estimates were fitted to. Raises as `estimate`."""
        return extrapolates(self._estimates(), spec)

    def check_bound(self, at: str) -> None:
        """Whether a bound on a figure of `LATENCY_FIGURES` can be told kept.

        Raises:
            UsageError: a percentile of an estimated target.
        """
        if self.estimates is not None and at not in _KNOWN_OF_ESTIMATES:
            raise UsageError(
                f"--fps-at {at} cannot be told on {self.name}: its latency is estimated from published speeds, which "
                f"are means. Give --fps-at mean or worst. {self._advice()}"
            )

    def _estimates(self) -> EstimatedProfile:
        if self.estimates is None:
            raise UsageError(f"Latency on {self.name} is measured, not estimated.")
        return self.estimates

    def _check_here(self) -> None:
        if self.estimates is not None:
            raise UsageError(
                f"Nothing can be timed on {self.name} from here: it is estimated from published speeds, and no "
                f"{self.device} is at hand. {self._advice()}"
            )

    def _advice(self) -> str:
        return (
            f"To measure one: `compress profile --target {self.name} --host user@device`, or --emit-kit to carry "
            "the measurement there."
        )


def _over(profile: EstimatedProfile, spec: TrackerSpec, ways: Mapping[Way, int]) -> Latency:
    """The mean over frames that went `ways`."""
    frames = sum(ways.values())
    found = [(n / frames, estimate(profile, spec, skipped=w.skipped or (), exit=w.exit)) for w, n in ways.items()]
    mean = sum(share * each.mean_ms for share, each in found)
    network = sum(share * each.network_ms for share, each in found)
    return replace(found[0][1], mean_ms=mean, p50_ms=mean, p90_ms=mean, p99_ms=mean, network_ms=network)


def _cpu() -> Target:
    return Target(name="cpu", runtime=runtime_name(), precision="fp32", device=str(host()))


_TARGETS: dict[str, Callable[[], Target]] = {"cpu": _cpu, "cpu:onnxruntime-fp32": _cpu}
"""Names and aliases of what is measured; an alias resolves to a target of its full name."""


def target_names() -> list[str]:
    """Every name `resolve_target` takes, aliases left out: first this host, then what is estimated."""
    return [*sorted({make().name for make in _TARGETS.values()}), *estimated_names()]


def resolve_target(name: str) -> Target:
    """The target of a name or alias: `cpu` is this host; `agx`, `agx:pytorch` and the like are estimated.

    Raises:
        UsageError: unknown, with close matches; or not supported yet, with what is.
    """
    if name in _TARGETS:
        return _TARGETS[name]()
    if name.split(":")[0] in _LATER:
        raise UsageError(
            f"Target {name!r} cannot be used yet: this version measures and predicts for cpu (this host), and "
            f"estimates for {', '.join(estimated_names())}. Give --target cpu."
        )
    try:
        profile = load_estimated(name)
    except UsageError as error:
        if name in UNFITTED:
            raise
        raise unknown_name("target", name, {*_TARGETS, *estimated_names()}) from error
    return Target(profile.target, profile.runtime, profile.precision, profile.device, profile)
