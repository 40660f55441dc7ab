"""Measuring what bypass and exits cost: ways through adaptive trackers, each beside a static one of the same layers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import nnls

from compress.core import TrackerSpec, Way
from compress.measure.adaptive_ways import SpecWay, fitted_ways, held_ways, static_part
from compress.measure.calls import Call, ready
from compress.measure.corners import Corners
from compress.measure.effort import effort_of
from compress.measure.fitting import check_calm
from compress.measure.held_out import held_out
from compress.measure.rounds import Report, Times, low, settled_rounds
from compress.measure.runtimes import RUNTIMES
from compress.profiles import Deciding, Held, Profile, low_ms, static, way_ms

_KNOWN = 4
"""Trackers that tell the machine's pace: their sessions differ by 1 or 2%, their mean by half of that."""

_FREE = Deciding(0, 0, 0, 0)
_UNITS = (Deciding(1, 0, 0, 0), Deciding(0, 1, 0, 0), Deciding(0, 0, 1, 0), Deciding(0, 0, 0, 1))


@dataclass(frozen=True)
class DecidingPlan:
    """What is timed for what deciding costs.

    Attributes:
        known: Shallow static trackers by name, timed for the profile before: they tell how fast the machine is now.
        fitted: Ways that costs are fitted to.
        held: Ways held back, by name.
    """

    known: dict[str, TrackerSpec]
    fitted: list[SpecWay]
    held: list[tuple[str, TrackerSpec, Way]]

    @classmethod
    def of(cls, teacher: TrackerSpec, corners: Corners) -> DecidingPlan:
        teacher = static(teacher)
        effort = effort_of(teacher)
        known = sorted(held_out(teacher, corners).items(), key=lambda item: len(item[1].layers))[:_KNOWN]
        return cls(dict(known), fitted_ways(teacher, corners, effort), list(held_ways(teacher, corners, effort)))

    @property
    def statics(self) -> list[TrackerSpec]:
        """Beside each way fitted to, a static tracker of the layers it computes."""
        return [static_part(spec, way) for spec, way in self.fitted]

    @property
    def calls(self) -> list[Call]:
        """Each tracker on the way it takes, timed in one shuffled run: known, static, fitted, and held ones."""
        ways = [*self.fitted, *((spec, way) for _, spec, way in self.held)]
        return [*((spec, None) for spec in (*self.known.values(), *self.statics)), *ways]


def measured_deciding(
    profile: Profile, teacher: TrackerSpec, *, rounds: int, report: Report, strict: bool = False
) -> Deciding:
    """What deciding costs in the family of `profile`, which may have been measured long before.

    Raises:
        CompressError: `strict`, and the machine is noisy; see `check_calm`.
    """
    plan = DecidingPlan.of(teacher, Corners.covered(profile))
    with RUNTIMES[profile.target].using(profile.threads):
        times = _times(plan, profile.target, profile.threads, rounds, report)
    if strict:
        check_calm([times], profile.device)
    return fit_deciding(profile, plan, times)


def fit_deciding(profile: Profile, plan: DecidingPlan, times: Times) -> Deciding:
    """What deciding costs, from the times of the plan's calls: (calls, rounds, timed).

    All figures are brought to the speed at which the profile was measured.
    """
    before = {held.spec: held.measured_ms for held in profile.held}
    then = [before.get(name, low_ms(profile, spec)) for name, spec in plan.known.items()]
    ends = np.cumsum([len(then), len(plan.fitted), len(plan.fitted)])
    now, static_ms, fitted_ms, held_ms = np.split(low(times), ends)
    static_ms, fitted_ms, held_ms = (each * sum(then) / now.sum() for each in (static_ms, fitted_ms, held_ms))
    ways = [(*each, ms, base) for each, ms, base in zip(plan.fitted, fitted_ms, static_ms, strict=True)]
    costs = fit(profile, ways)
    known = replace(profile, deciding=costs)
    rows = (
        Held(name, way_ms(known, spec, way), float(ms))
        for (name, spec, way), ms in zip(plan.held, held_ms, strict=True)
    )
    return replace(costs, held=tuple(rows))


def fit(profile: Profile, ways: Iterable[tuple[TrackerSpec, Way, float, float]]) -> Deciding:
    """Least squares, relative to each way's time, with no cost below zero.

    Args:
        ways: A tracker, a way through it, the time it took, and that of a static tracker of the layers it computes.
    """
    rows, more = [], []
    for spec, way, ms, static_ms in ways:
        free = _ms(profile, _FREE, spec, way)
        adapters = free - low_ms(profile, static_part(spec, way))
        rows.append([(_ms(profile, each, spec, way) - free) / ms for each in _UNITS])
        more.append((ms - static_ms - adapters) / ms)
    found, _ = nnls(np.array(rows), np.array(more))
    return Deciding(*found.tolist())


def _ms(profile: Profile, costs: Deciding, spec: TrackerSpec, way: Way) -> float:
    return way_ms(replace(profile, deciding=costs), spec, way)


def _times(plan: DecidingPlan, target: str, threads: int, rounds: int, report: Report) -> Times:
    """Times of the frame loop around each call of the plan."""
    effort = effort_of(plan.fitted[0][0])
    return settled_rounds(
        list(ready(plan.calls, RUNTIMES[target], threads, report)),
        rounds=rounds,
        dropped=effort.dropped,
        timed=effort.timed,
        report=lambda done: report("measuring what deciding costs", done),
    )
