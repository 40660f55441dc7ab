"""This host under its runtimes: models from profiles that are measured here, and whole trackers timed here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compress.core import ExecutionPath, Latency, TrackerSpec, UsageError
from compress.core.progress import Progress, part
from compress.latency import LatencyByPrecision, LatencyModel, MeasuredLatency
from compress.measure.backends import host_backend, host_backends, local_target, targets_by_precision
from compress.measure.coverage import Coverage
from compress.measure.host_profiles import host_profile
from compress.measure.targets.registry import MeasuredFamilies
from compress.measure.targets.target import Target
from compress.measure.timed_trackers import Timed
from compress.measure.whole_trackers import measure_many


@dataclass(frozen=True)
class ThisHost:
    """The runtimes that can be used here."""

    def names(self) -> list[str]:
        """Those whose runtime is there."""
        return [name for name, backend in host_backends().items() if not backend.missing()]

    def find(self, name: str, spec: TrackerSpec | None) -> Target | None:
        local = local_target(name)
        if local is None:
            return None
        backend = host_backend(local)
        if missing := backend.missing():
            raise UsageError(f"Target {local!r} cannot be used here: {missing}. `compress doctor` says more.")
        models, timer = _HostModels(local), _HostTimer(local)
        others = tuple(targets_by_precision(local))[1:]
        return Target(local, backend.version, backend.precision, backend.device, models, timer, others=others)


@dataclass(frozen=True)
class _HostModels(MeasuredFamilies):
    """A model for each family, from a profile of this host that is measured where there is none.

    Where trackers of other precisions are to be covered, from one for each.
    """

    def model(
        self, teacher: TrackerSpec, coverage: Coverage | None, threads: int, refresh: bool, progress: Progress
    ) -> LatencyModel:
        own, *others = targets_by_precision(self.target).items()
        wanted = {teacher.precision, *(coverage.precisions if coverage is not None else ())}
        used = [own, *(other for other in others if other[0] in wanted)]
        models: list[tuple[str, LatencyModel]] = []
        for i, (precision, target) in enumerate(used):
            beside = part(progress, i / len(used), (i + 1) / len(used), f"in {precision}" if used[1:] else "")
            profile = host_profile(
                teacher, target=target, coverage=coverage, threads=threads, refresh=refresh, progress=beside
            )
            models.append((precision, MeasuredLatency(profile)))
        return models[0][1] if len(models) == 1 else LatencyByPrecision(tuple(models))


@dataclass(frozen=True)
class _HostTimer:
    """Whole trackers timed in this process."""

    target: str

    def __call__(
        self,
        trackers: Mapping[str, Timed],
        *,
        paths: Mapping[str, Mapping[ExecutionPath, int]] | None,
        threads: int,
        runs: int,
        progress: Progress,
    ) -> dict[str, Latency]:
        return measure_many(trackers, paths=paths, target=self.target, threads=threads, runs=runs, progress=progress)
