"""Other devices: those that were measured from here, and those that published speeds are known of."""

from __future__ import annotations

from dataclasses import dataclass

from compress.core import FileError, TrackerSpec, UsageError
from compress.core.progress import Progress
from compress.latency import Family, LatencyModel, MeasuredLatency
from compress.latency.estimated import UNFITTED, EstimatedLatency, estimated_names, load_estimated
from compress.measure.coverage import Coverage
from compress.measure.remote_profiles import Device, damaged_profiles, device_profile, device_profiles
from compress.measure.targets.registry import MeasuredFamilies, SharedModel
from compress.measure.targets.target import Target, how_to_measure


@dataclass(frozen=True)
class MeasuredDevices:
    """Devices that `compress profile` has measured, whose profiles are kept here."""

    def names(self) -> list[str]:
        """All that have a profile."""
        return sorted({profile.target for _, profile in device_profiles()})

    def find(self, name: str, spec: TrackerSpec | None) -> Target | None:
        """A device measured for the family of `spec`, or for any where it has no estimate.

        Raises:
            FileError: it seems to have been measured, but the file is damaged.
        """
        try:
            device = Device.of(name)
        except UsageError:
            return None
        kept = [profile for _, profile in device_profiles() if profile.target == device.target]
        known = spec is not None and any(profile.family == Family.of(spec) for profile in kept)
        estimated = device.target in estimated_names()
        if not known and (spec is not None or not (kept or estimated)):
            # An estimate, or "not measured", in place of a measurement that cannot be read would mislead.
            for error in damaged_profiles(device).values():
                raise FileError(f"The profile measured on {device.target} is damaged. {error}")
        if not kept or (not known and estimated):
            return None
        models = _DeviceModels(device.target)
        return Target(device.target, kept[0].runtime, kept[0].precision, kept[0].device, models)


@dataclass(frozen=True)
class _DeviceModels(MeasuredFamilies):
    """A model for each family that was measured on a device."""

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
class EstimatedDevices:
    """Devices that published speeds are known of."""

    def names(self) -> list[str]:
        """All that ship."""
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
