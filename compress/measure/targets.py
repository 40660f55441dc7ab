"""Targets by name: this host's runtimes, devices that were measured, and those that are estimated."""

from __future__ import annotations

from compress.core import TrackerSpec, UsageError, unknown_name
from compress.latency import Family
from compress.latency.estimated import UNFITTED, estimated_names, load_estimated
from compress.measure.backends import BACKENDS, local_target
from compress.measure.remote_profiles import Device, device_profiles
from compress.measure.target import Target, how_to_measure


def target_names() -> list[str]:
    """Every name `resolve_target` takes, aliases left out: this host, what is estimated, what was measured."""
    measured = sorted({profile.target for _, profile in device_profiles()})
    here = [name for name, runtime in BACKENDS.items() if not runtime.missing()]
    return list(dict.fromkeys([*here, *estimated_names(), *measured]))


def resolve_target(name: str, spec: TrackerSpec | None = None) -> Target:
    """The target of a name or alias: `BACKENDS` are this host; others were measured there, or are estimated.

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
    try:
        profile = load_estimated(name)
    except UsageError as error:
        if name in UNFITTED:
            raise UsageError(f"{error} {how_to_measure(name)}") from None
        raise unknown_name("target", name, {*BACKENDS, *target_names()}) from error
    return Target(profile.target, profile.runtime, profile.precision, profile.device, profile)


def _here(name: str) -> Target:
    runtime = BACKENDS[name]
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
