"""Targets by name: this host's runtimes, devices that were measured, those that are estimated, and those of plugins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compress.core import ExecutionPath, Latency, TrackerSpec, UsageError, unknown_name
from compress.core.progress import Progress
from compress.latency import Family, LatencyModel, MeasuredLatency
from compress.latency.estimated import UNFITTED, EstimatedLatency, estimated_names, load_estimated
from compress.measure.backends import host_backend, host_backends, local_target
from compress.measure.coverage import Coverage
from compress.measure.host_profiles import host_profile
from compress.measure.remote_profiles import Device, device_profile, device_profiles
from compress.measure.target import TARGETS, Basis, SharedModel, Target, TargetProvider, how_to_measure
from compress.measure.whole_trackers import measure_many
from compress.models import Tracker


def target_names() -> list[str]:
    """Every name `resolve_target` takes, aliases left out: this host, what was measured, what is estimated."""
    return list(dict.fromkeys(name for provider in _providers() for name in provider.names()))


def resolve_target(name: str, spec: TrackerSpec | None = None) -> Target:
    """The target of a name or alias: `BACKENDS` are this host; others were measured there, or are estimated.

    Args:
        spec: A tracker of the family that latency is wanted of. A device measured for it is not estimated; without
            a spec, a device that can be estimated is.

    Raises:
        UsageError: unknown, with close matches; or nothing is known of it, with how to measure it; or what it needs
            is missing here.
    """
    for provider in _providers():
        if (found := provider.find(name, spec)) is not None:
            return found
    raise unknown_name("target", name, {*host_backends(), *target_names()})


def same_device(target: Target) -> list[Target]:
    """Other targets of the same device, such as other runtimes, whose latency is known without measuring anything."""
    others = map(resolve_target, target_names())
    return [each for each in others if each.shared_model and each.device == target.device and each.name != target.name]


def _providers() -> list[TargetProvider]:
    """All providers, in the order in which they are asked for a name."""
    return [provider for _, provider in TARGETS.items()]


@dataclass(frozen=True)
class _ThisHost:
    """The runtimes that can be used here."""

    def names(self) -> list[str]:
        return [name for name, backend in host_backends().items() if not backend.missing()]

    def find(self, name: str, spec: TrackerSpec | None) -> Target | None:
        local = local_target(name)
        if local is None:
            return None
        backend = host_backend(local)
        if missing := backend.missing():
            raise UsageError(f"Target {local!r} cannot be used here: {missing}. `compress doctor` says more.")
        models, timer = _HostModels(local), _HostTimer(local)
        return Target(local, backend.version, backend.precision, backend.device, models, timer)


@dataclass(frozen=True)
class _HostModels:
    """A model for each family, from a profile of this host that is measured where there is none."""

    target: str

    @property
    def basis(self) -> Basis:
        return "measured"

    @property
    def shared(self) -> None:
        return None

    def model(
        self, teacher: TrackerSpec, coverage: Coverage | None, threads: int, refresh: bool, progress: Progress
    ) -> LatencyModel:
        return MeasuredLatency(
            host_profile(
                teacher, target=self.target, coverage=coverage, threads=threads, refresh=refresh, progress=progress
            )
        )


@dataclass(frozen=True)
class _HostTimer:
    """Whole trackers timed in this process."""

    target: str

    def __call__(
        self,
        trackers: Mapping[str, Tracker | TrackerSpec],
        *,
        paths: Mapping[str, Mapping[ExecutionPath, int]] | None,
        threads: int,
        runs: int,
        progress: Progress,
    ) -> dict[str, Latency]:
        return measure_many(trackers, paths=paths, target=self.target, threads=threads, runs=runs, progress=progress)


@dataclass(frozen=True)
class _MeasuredDevices:
    """Devices that `compress profile` has measured, whose profiles are kept here."""

    def names(self) -> list[str]:
        return sorted({profile.target for _, profile in device_profiles()})

    def find(self, name: str, spec: TrackerSpec | None) -> Target | None:
        """A device measured for the family of `spec`, or for any where it has no estimate."""
        try:
            device = Device.of(name)
        except UsageError:
            return None
        kept = [profile for _, profile in device_profiles() if profile.target == device.target]
        known = spec is not None and any(profile.family == Family.of(spec) for profile in kept)
        if not kept or (not known and device.target in estimated_names()):
            return None
        models = _DeviceModels(device.target)
        return Target(device.target, kept[0].runtime, kept[0].precision, kept[0].device, models)


@dataclass(frozen=True)
class _DeviceModels:
    """A model for each family that was measured on a device."""

    target: str

    @property
    def basis(self) -> Basis:
        return "measured"

    @property
    def shared(self) -> None:
        return None

    def model(
        self, teacher: TrackerSpec, coverage: Coverage | None, threads: int, refresh: bool, progress: Progress
    ) -> LatencyModel:
        profile = device_profile(self.target, teacher, threads)
        if profile is None:
            raise UsageError(
                f"{self.target} was not measured for this family of trackers with {threads} "
                f"thread{'s' * (threads > 1)}. Add --teacher and --threads. {how_to_measure(self.target)}"
            )
        if coverage is not None and not coverage.within(Coverage.covered(profile)):
            raise UsageError(
                f"The profile measured on {self.target} does not cover all that is needed. Measure it with "
                f"--space. {how_to_measure(self.target)}"
            )
        return MeasuredLatency(profile)


@dataclass(frozen=True)
class _EstimatedDevices:
    """Devices that published speeds are known of."""

    def names(self) -> list[str]:
        return estimated_names()

    def find(self, name: str, spec: TrackerSpec | None) -> Target | None:
        if name in UNFITTED:
            raise UsageError(f"There is no estimate for {name!r}. {UNFITTED[name]}. {how_to_measure(name)}")
        try:
            profile = load_estimated(name)
        except UsageError:
            return None
        source = SharedModel(EstimatedLatency(profile))
        name, *aliases = profile.names
        return Target(name, profile.runtime, profile.precision, profile.device, source, aliases=tuple(aliases))


# In the order in which they are asked for a name: what was measured goes before what is estimated.
TARGETS.register("this-host", _ThisHost())
TARGETS.register("measured-devices", _MeasuredDevices())
TARGETS.register("estimated-devices", _EstimatedDevices())
