"""Targets: what a search can aim at, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from compress.core import Latency, TrackerSpec, UsageError, Way, unknown_name
from compress.measure.corners import Corners
from compress.measure.cpu import cpu_profile
from compress.measure.host import host, runtime_name
from compress.measure.rounds import Report
from compress.measure.whole import RUNS, measure_many
from compress.models import Tracker
from compress.profiles import Profile

_LATER = ("agx", "gpu")
"""Targets that are planned; naming one deserves a better answer than a close match."""


@dataclass(frozen=True)
class Target:
    """A device with a runtime and precision. `cpu` is always this host."""

    name: str
    runtime: str
    precision: str
    device: str

    def profile(
        self,
        teacher: TrackerSpec,
        *,
        corners: Corners | None = None,
        threads: int = 1,
        refresh: bool = False,
        report: Report | None = None,
    ) -> Profile:
        """The profile for the family of `teacher`, measured first where it is absent; see `cpu_profile`."""
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
        """Latency of whole trackers in one shuffled run; see `measure_many`."""
        return measure_many(trackers, ways=ways, threads=threads, runs=runs, report=report)


def _cpu() -> Target:
    return Target(name="cpu", runtime=runtime_name(), precision="fp32", device=str(host()))


_TARGETS: dict[str, Callable[[], Target]] = {"cpu": _cpu, "cpu:onnxruntime-fp32": _cpu}
"""Names and aliases; an alias resolves to a target of its full name."""


def target_names() -> list[str]:
    """Every name `resolve_target` takes, aliases left out."""
    return sorted({make().name for make in _TARGETS.values()})


def resolve_target(name: str) -> Target:
    """The target of a name or alias.

    Raises:
        UsageError: unknown, with close matches; or not supported yet, with what is.
    """
    if name in _TARGETS:
        return _TARGETS[name]()
    if name.split(":")[0] in _LATER:
        raise UsageError(
            f"Target {name!r} cannot be used yet: this version measures and predicts for {', '.join(target_names())} "
            "(this host). Give --target cpu."
        )
    raise unknown_name("target", name, _TARGETS)
