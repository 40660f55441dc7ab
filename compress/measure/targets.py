"""Targets: what a search can aim at, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from compress.core import Latency, TrackerSpec, UsageError, Way, unknown_name
from compress.measure.corners import Corners
from compress.measure.devices import GPU, Device, device_profile, device_profiles
from compress.measure.here import host_profile
from compress.measure.rounds import Report
from compress.measure.runtimes import RUNTIMES, local_target
from compress.measure.whole import RUNS, measure_many
from compress.models import Tracker
from compress.profiles import Family, Profile
from compress.profiles.estimated import (
    UNFITTED,
    EstimatedProfile,
    estimate,
    estimate_expected,
    estimated_names,
    extrapolates,
    load_estimated,
)

_KNOWN_OF_ESTIMATES = ("mean", "worst")
"""What published speeds, which are means, can tell of `LATENCY_FIGURES`."""


@dataclass(frozen=True)
class Target:
    """A device with a runtime and precision. `cpu` and `gpu` are always this host.

    Attributes:
        name: One of `RUNTIMES`, where whole trackers can be timed on it now.
        estimates: What published speeds tell of a device that is not here; None where latency is measured.
        elsewhere: Latency is predicted from profiles that `compress profile` has measured there, and kept here.
    """

    name: str
    runtime: str
    precision: str
    device: str
    estimates: EstimatedProfile | None = None
    elsewhere: bool = False

    @property
    def here(self) -> bool:
        """Whether whole trackers can be timed on it now."""
        return self.estimates is None and not self.elsewhere

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
        """The profile for the family of `teacher`, measured first where it is absent; see `host_profile`.

        Raises:
            UsageError: an estimated target; or one measured elsewhere, if not for this, or if it is to be refreshed.
        """
        if self.elsewhere and not refresh:
            return _kept(self.name, teacher, corners, threads)
        self._check_here()
        return host_profile(teacher, target=self.name, corners=corners, threads=threads, refresh=refresh, report=report)

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
            UsageError: a target that is not here.
        """
        self._check_here()
        return measure_many(trackers, ways=ways, target=self.name, threads=threads, runs=runs, report=report)

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
                f"are means. Give --fps-at mean or worst. {_advice(self.name)}"
            )

    def check_searchable(self) -> None:
        """Whether what a search trains is what the target runs.

        Raises:
            UsageError: a target in int8.
        """
        if self.precision == "int8":
            raise UsageError(
                f"A search cannot aim at {self.name}: students are trained and evaluated in fp32, and int8 answers "
                f"otherwise. Search on cpu; `compress latency RUN:VARIANT --target {self.name}` tells what a variant "
                "would take in int8."
            )

    def _estimates(self) -> EstimatedProfile:
        if self.estimates is None:
            raise UsageError(f"Latency on {self.name} is measured, not estimated.")
        return self.estimates

    def _check_here(self) -> None:
        if self.elsewhere:
            raise UsageError(
                f"Nothing can be timed on {self.name} from here: its latency is predicted from what was measured "
                f"there. {_advice(self.name)}"
            )
        if self.estimates is not None:
            raise UsageError(
                f"Nothing can be timed on {self.name} from here: it is estimated from published speeds, and no "
                f"{self.device} is at hand. {_advice(self.name)}"
            )


def _advice(name: str) -> str:
    return (
        f"To measure one: `compress profile --target {name} --host user@device`, or --emit-kit to carry the "
        "measurement there."
    )


def _kept(name: str, teacher: TrackerSpec, corners: Corners | None, threads: int) -> Profile:
    """The profile measured on a device, if it covers what is asked."""
    profile = device_profile(name, teacher, threads)
    if profile is None:
        raise UsageError(
            f"{name} was not measured for this family of trackers with {threads} thread{'s' * (threads > 1)}. Add "
            f"--teacher and --threads. {_advice(name)}"
        )
    if corners is not None and not corners.within(Corners.covered(profile)):
        raise UsageError(
            f"The profile measured on {name} does not reach all that is asked of it. Measure it with --space. "
            f"{_advice(name)}"
        )
    return profile


def _over(profile: EstimatedProfile, spec: TrackerSpec, ways: Mapping[Way, int]) -> Latency:
    """The mean over frames that went `ways`."""
    frames = sum(ways.values())
    found = [(n / frames, estimate(profile, spec, skipped=w.skipped or (), exit=w.exit)) for w, n in ways.items()]
    mean = sum(share * each.mean_ms for share, each in found)
    network = sum(share * each.network_ms for share, each in found)
    return replace(found[0][1], mean_ms=mean, p50_ms=mean, p90_ms=mean, p99_ms=mean, network_ms=network)


def target_names() -> list[str]:
    """Every name `resolve_target` takes, aliases left out: this host, what is estimated, what was measured."""
    measured = sorted({profile.target for _, profile in device_profiles()})
    here = [name for name, runtime in RUNTIMES.items() if not runtime.missing()]
    return list(dict.fromkeys([*here, *estimated_names(), *measured]))


def resolve_target(name: str, spec: TrackerSpec | None = None) -> Target:
    """The target of a name or alias: `RUNTIMES` are this host; others were measured there, or are estimated.

    Args:
        spec: A tracker of the family that latency is wanted of. A device measured for it is not estimated; without
            a spec, a device that can be estimated is.

    Raises:
        UsageError: unknown, with close matches; or nothing is known of it, with how to measure it; or what it needs
            is missing here.
    """
    if (here := local_target(name)) is not None:
        return _here(here)
    measured = _measured(name, spec)
    if measured is not None:
        return measured
    if name == GPU:
        raise UsageError(
            "Target 'gpu' cannot be used yet: this host's GPU was not measured. `compress profile --target gpu` does, "
            f"with onnxruntime-gpu. cpu is this host too, and {', '.join(estimated_names())} are estimated."
        )
    try:
        profile = load_estimated(name)
    except UsageError as error:
        if name in UNFITTED:
            raise UsageError(f"{error} {_advice(name)}") from None
        raise unknown_name("target", name, {*RUNTIMES, *target_names()}) from error
    return Target(profile.target, profile.runtime, profile.precision, profile.device, profile)


def _here(name: str) -> Target:
    runtime = RUNTIMES[name]
    if missing := runtime.missing():
        raise UsageError(f"Target {name!r} cannot be used here: {missing}. `compress doctor` says more.")
    return Target(name, runtime.version, runtime.precision, runtime.device)


def _measured(name: str, spec: TrackerSpec | None) -> Target | None:
    """The target of a device that was measured: for the family of `spec`, or for any where it has no estimate."""
    try:
        device = Device.of(name)
    except UsageError:
        return None
    kept = [profile for _, profile in device_profiles() if profile.target == device.target]
    known = spec is not None and any(profile.family == Family.of(spec) for profile in kept)
    if not kept or (not known and device.target in estimated_names()):
        return None
    return Target(device.target, kept[0].runtime, kept[0].precision, kept[0].device, elsewhere=True)
