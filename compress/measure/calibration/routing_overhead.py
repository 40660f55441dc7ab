"""Measuring what bypass and exits cost: adaptive trackers along paths, each beside a static one of the same layers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from compress.core import ExecutionPath, TrackerSpec
from compress.core.progress import Progress, part
from compress.latency import Profile, RoutingOverhead, ValidationResult, p10_ms, path_ms, static
from compress.measure.backends import Backend, host_backend
from compress.measure.budget import budget_of
from compress.measure.calibration.component_costs import bounded_least_squares
from compress.measure.coverage import Coverage
from compress.measure.stacks.adaptive_paths import SpecPath, fitted_paths, static_part, validation_paths
from compress.measure.stacks.table import validation_set
from compress.measure.timed_trackers import Call, timed_frames
from compress.measure.timing import Times, low, noise, settled_rounds

_KNOWN = 4
"""Trackers that show how fast the machine is now: their sessions differ by 1 or 2%, their mean by half of that."""

_FREE = RoutingOverhead(0, 0, 0, 0)
_UNITS = (
    RoutingOverhead(1, 0, 0, 0),
    RoutingOverhead(0, 1, 0, 0),
    RoutingOverhead(0, 0, 1, 0),
    RoutingOverhead(0, 0, 0, 1),
)


@dataclass(frozen=True)
class RoutingOverheadPlan:
    """What is timed for the routing overhead.

    Attributes:
        known: Shallow static trackers by name, timed for the profile before: how fast the machine is now.
        fitted: Paths that costs are fitted to.
        validation: Paths of the validation set, by name.
    """

    known: dict[str, TrackerSpec]
    fitted: list[SpecPath]
    validation: list[tuple[str, TrackerSpec, ExecutionPath]]

    @classmethod
    def of(cls, teacher: TrackerSpec, coverage: Coverage) -> RoutingOverheadPlan:
        teacher = static(teacher)
        budget = budget_of(teacher)
        known = sorted(validation_set(teacher, coverage).items(), key=lambda item: len(item[1].layers))[:_KNOWN]
        return cls(
            dict(known), fitted_paths(teacher, coverage, budget), list(validation_paths(teacher, coverage, budget))
        )

    @property
    def statics(self) -> list[TrackerSpec]:
        """Beside each fitted path, a static tracker of the layers it computes."""
        return [static_part(spec, path) for spec, path in self.fitted]

    @property
    def calls(self) -> list[Call]:
        """Each tracker along its path, timed in one shuffled run: known, static, fitted, and validation ones."""
        paths = [*self.fitted, *((spec, path) for _, spec, path in self.validation)]
        return [*((spec, None) for spec in (*self.known.values(), *self.statics)), *paths]


def measured_routing_overhead(
    profile: Profile, teacher: TrackerSpec, *, rounds: int, progress: Progress
) -> RoutingOverhead:
    """The routing overhead in the family of `profile`, which may have been measured long before."""
    plan = RoutingOverheadPlan.of(teacher, Coverage.covered(profile))
    backend = host_backend(profile.target)
    with backend.using(profile.threads):
        times = _times(plan, backend, profile.threads, rounds, progress)
    return fit_routing_overhead(profile, plan, times)


def fit_routing_overhead(profile: Profile, plan: RoutingOverheadPlan, times: Times) -> RoutingOverhead:
    """The routing overhead, from the times of the plan's calls: (calls, rounds, timed).

    All figures are brought to the speed at which the profile was measured.
    """
    before = {validation.spec: validation.measured_ms for validation in profile.validation}
    then = [before.get(name, p10_ms(profile, spec)) for name, spec in plan.known.items()]
    ends = np.cumsum([len(then), len(plan.fitted), len(plan.fitted)])
    now, static_ms, fitted_ms, validation_ms = np.split(low(times), ends)
    static_ms, fitted_ms, validation_ms = (
        each * sum(then) / now.sum() for each in (static_ms, fitted_ms, validation_ms)
    )
    paths = [(*each, ms, base) for each, ms, base in zip(plan.fitted, fitted_ms, static_ms, strict=True)]
    costs = fit(profile, paths)
    known = replace(profile, routing_overhead=costs)
    rows = (
        ValidationResult(name, path_ms(known, spec, path), float(ms))
        for (name, spec, path), ms in zip(plan.validation, validation_ms, strict=True)
    )
    return replace(costs, validation=tuple(rows), noise=noise(times))


def fit(profile: Profile, paths: Iterable[tuple[TrackerSpec, ExecutionPath, float, float]]) -> RoutingOverhead:
    """Least squares, relative to each path's time, with no cost below zero.

    Args:
        paths: A tracker, a path through it, the time it took, and that of a static tracker of the layers it computes.
    """
    rows, more = [], []
    for spec, path, ms, static_ms in paths:
        free = _ms(profile, _FREE, spec, path)
        adapters = free - p10_ms(profile, static_part(spec, path))
        rows.append([(_ms(profile, each, spec, path) - free) / ms for each in _UNITS])
        more.append((ms - static_ms - adapters) / ms)
    found = bounded_least_squares(np.array(rows), np.array(more), np.zeros(len(_UNITS)))
    return RoutingOverhead(*found.tolist())


def _ms(profile: Profile, costs: RoutingOverhead, spec: TrackerSpec, path: ExecutionPath) -> float:
    return path_ms(replace(profile, routing_overhead=costs), spec, path)


def _times(plan: RoutingOverheadPlan, backend: Backend, threads: int, rounds: int, progress: Progress) -> Times:
    """Times of the frame loop around each call of the plan."""
    budget = budget_of(plan.fitted[0][0])
    return settled_rounds(
        list(timed_frames(plan.calls, backend, threads, part(progress, 0, 0.2))),
        rounds=rounds,
        dropped=budget.dropped,
        timed=budget.timed,
        progress=part(progress, 0.2, 1, "measuring the routing overhead"),
    )
