"""Targets by name."""

from __future__ import annotations

from compress.core import TrackerSpec, unknown_name
from compress.measure.backends import host_backends
from compress.measure.targets.devices import EstimatedDevices, MeasuredDevices
from compress.measure.targets.registry import TARGETS, TargetProvider
from compress.measure.targets.target import Target
from compress.measure.targets.this_host import ThisHost

# In the order in which they are asked for a name: what was measured goes before what is estimated.
TARGETS.register("this-host", ThisHost())
TARGETS.register("measured-devices", MeasuredDevices())
TARGETS.register("estimated-devices", EstimatedDevices())


def target_names() -> list[str]:
    """Every name `resolve_target` takes, aliases left out: this host, what was measured, what is estimated."""
    return list(dict.fromkeys(name for provider in _providers() for name in provider.names()))


def resolve_target(name: str, spec: TrackerSpec | None = None) -> Target:
    """The target of a name or alias: this host's, of a measured or an estimated device, or of a plugin.

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
