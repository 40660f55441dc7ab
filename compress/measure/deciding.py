"""Measuring what bypass and exits cost: ways through adaptive trackers beside static ones of the same layers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import repeat
from typing import Any

import numpy as np
from scipy.optimize import nnls

from compress.core import TrackerSpec, Way
from compress.measure.adaptive_stacks import SpecWay, fitted_ways, held_ways, static_stacks
from compress.measure.corners import Corners
from compress.measure.effort import effort_of
from compress.measure.fitting import check_calm
from compress.measure.frame_loop import LoopCall
from compress.measure.rounds import Report, Times, low, settled_rounds
from compress.measure.runtimes import RUNTIMES, Runtime
from compress.measure.ways import Along, Sent
from compress.profiles import Deciding, Held, Profile, low_ms, static, way_ms

Call = tuple[TrackerSpec, Way | None]

_COSTS = tuple(f.name for f in fields(Deciding) if f.name != "held")
_FREE = Deciding(0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class DecidingPlan:
    """What is timed for what deciding costs: static stacks, ways fitted to, and ways held back, by name."""

    stacks: list[TrackerSpec]
    fitted: list[SpecWay]
    held: list[tuple[str, TrackerSpec, Way]]

    @classmethod
    def of(cls, teacher: TrackerSpec, corners: Corners) -> DecidingPlan:
        teacher = static(teacher)
        effort = effort_of(teacher)
        stacks = static_stacks(teacher, corners, effort.depths, sparing=effort.sparing)
        fitted = list(fitted_ways(teacher, corners, effort.depths, sparing=effort.sparing))
        return cls(stacks, fitted, list(held_ways(teacher, corners)))

    @property
    def calls(self) -> list[Call]:
        """Each tracker, on the way it takes; timed in one shuffled run.

        Stacks twice: where the memory of a session comes to lie costs or saves some per cent, and every way is compared
        with a stack.
        """
        ways = [*self.fitted, *((spec, way) for _, spec, way in self.held)]
        return [*((stack, None) for stack in (*self.stacks, *self.stacks)), *dict.fromkeys(ways)]


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

    Static trackers timed in the same run tell how fast the machine is now; all figures are brought to the speed at
    which the profile was measured.
    """
    ms = _by_call(plan.calls, low(times).tolist())
    pace = sum(ms[stack, None] for stack in plan.stacks) / sum(low_ms(profile, stack) for stack in plan.stacks)
    at_pace = {key: value / pace for key, value in ms.items()}
    still = {_computed(stack, None): at_pace[stack, None] for stack in plan.stacks}
    costs = fit(profile, [(spec, way, at_pace[spec, way], still[_computed(spec, way)]) for spec, way in plan.fitted])
    known = replace(profile, deciding=costs)
    rows = (Held(name, way_ms(known, spec, way), at_pace[spec, way]) for name, spec, way in plan.held)
    return replace(costs, held=tuple(rows))


def fit(profile: Profile, ways: Iterable[tuple[TrackerSpec, Way, float, float]]) -> Deciding:
    """Least squares, relative to each way's time, with no cost below zero.

    Args:
        ways: A tracker, a way through it, the time it took, and that of a static tracker of the layers it computes.
    """
    rows, more = [], []
    for spec, way, ms, still_ms in ways:
        rows.append([_price(profile, spec, way, name) / ms for name in _COSTS])
        more.append((ms - still_ms) / ms)
    found, _ = nnls(np.array(rows), np.array(more))
    costs: dict[str, Any] = dict(zip(_COSTS, found.tolist(), strict=True))
    return Deciding(**costs)


def _by_call(calls: Sequence[Call], lows: Sequence[float]) -> dict[Call, float]:
    """Calls timed in several sessions at their mean."""
    found: dict[Call, list[float]] = {}
    for call, ms in zip(calls, lows, strict=True):
        found.setdefault(call, []).append(ms)
    return {call: sum(each) / len(each) for call, each in found.items()}


def _computed(spec: TrackerSpec, way: Way | None) -> tuple[str, int]:
    """What a stack and the ways through it have in common: their attention, and how many layers they compute."""
    return spec.attention, len(spec.layers) if way is None else way.layers(spec)


def _price(profile: Profile, spec: TrackerSpec, way: Way, name: str) -> float:
    """What a way would cost more if one of the costs were 1."""
    units: dict[str, Any] = {name: 1.0}
    dear, cheap = (replace(profile, deciding=costs) for costs in (replace(_FREE, **units), _FREE))
    return way_ms(dear, spec, way) - way_ms(cheap, spec, way)


def _times(plan: DecidingPlan, target: str, threads: int, rounds: int, report: Report) -> Times:
    """Times of the frame loop around each call of the plan."""
    effort = effort_of(plan.stacks[0])
    return settled_rounds(
        list(_calls(plan, RUNTIMES[target], threads, report)),
        rounds=rounds,
        dropped=effort.dropped,
        timed=effort.timed,
        report=lambda done: report("measuring what deciding costs", done),
    )


def _calls(plan: DecidingPlan, runtime: Runtime, threads: int, report: Report) -> Iterator[LoopCall]:
    """What is fitted to has sessions of its own for every call; trackers held back are large, and share theirs."""
    ready: dict[TrackerSpec, list[Sent]] = {}
    for i, (spec, way) in enumerate(plan.calls):
        report("exporting adaptive networks", i / len(plan.calls))
        if way is None:
            yield LoopCall(spec, runtime.frame(spec, threads=threads))
            continue
        if spec not in ready:
            copies = sum(spec == other for other, _ in plan.fitted)
            ready[spec] = list(runtime.staged(spec, threads=threads, copies=max(1, copies)))
        sent = ready[spec].pop() if len(ready[spec]) > 1 else ready[spec][0]
        yield LoopCall(spec, Along(sent, repeat(way)))
