"""Measuring what bypass and exits cost: ways through adaptive trackers beside static ones of the same layers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from itertools import repeat
from typing import Any

import numpy as np
from scipy.optimize import nnls

from compress.core import TrackerSpec, Way
from compress.measure.adaptive_stacks import SpecWay, fitted_ways, held_ways, static_stacks
from compress.measure.corners import Corners
from compress.measure.effort import effort_of
from compress.measure.graph import FrameCall, LoopCall
from compress.measure.rounds import Report, low, settled_rounds
from compress.measure.ways import StagedCall
from compress.profiles import Deciding, Held, Profile, low_ms, static, way_ms

_COSTS = tuple(f.name for f in fields(Deciding) if f.name != "held")
_FREE = Deciding(0.0, 0.0, 0.0, 0.0, 0.0)


def measured_deciding(profile: Profile, teacher: TrackerSpec, *, rounds: int, report: Report) -> Deciding:
    """What deciding costs in the family of `profile`, which may have been measured long before.

    Static trackers timed in the same run tell how fast the machine is now; all figures are brought to the speed at
    which the profile was measured.
    """
    teacher, corners = static(teacher), Corners.covered(profile)
    depths = effort_of(teacher).depths
    stacks, fitted = static_stacks(teacher, corners, depths), list(fitted_ways(teacher, corners, depths))
    held = list(held_ways(teacher, corners))
    times = _low_times(stacks, [*fitted, *((spec, way) for _, spec, way in held)], profile.threads, rounds, report)
    pace = sum(times[stack, None] for stack in stacks) / sum(low_ms(profile, stack) for stack in stacks)
    at_pace = {key: ms / pace for key, ms in times.items()}
    still = {len(stack.layers): at_pace[stack, None] for stack in stacks}
    costs = fit(profile, [(spec, way, at_pace[spec, way], still[way.layers(spec)]) for spec, way in fitted])
    known = replace(profile, deciding=costs)
    rows = (Held(name, way_ms(known, spec, way), at_pace[spec, way]) for name, spec, way in held)
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


def _price(profile: Profile, spec: TrackerSpec, way: Way, name: str) -> float:
    """What a way would cost more if one of the costs were 1."""
    units: dict[str, Any] = {name: 1.0}
    dear, cheap = (replace(profile, deciding=costs) for costs in (replace(_FREE, **units), _FREE))
    return way_ms(dear, spec, way) - way_ms(cheap, spec, way)


def _low_times(
    stacks: list[TrackerSpec], ways: list[SpecWay], threads: int, rounds: int, report: Report
) -> Mapping[tuple[TrackerSpec, Way | None], float]:
    """10th percentiles of the frame loop, of the stacks by (spec, None), all timed in one shuffled run."""
    staged: dict[TrackerSpec, StagedCall] = {}
    calls: dict[tuple[TrackerSpec, Way | None], Callable[[], None]] = {
        (stack, None): LoopCall(stack, FrameCall(stack, threads=threads)) for stack in stacks
    }
    for i, (spec, way) in enumerate(ways):
        report("exporting adaptive networks", i / len(ways))
        if spec not in staged:
            staged[spec] = StagedCall(spec, threads=threads)
        calls[spec, way] = LoopCall(spec, staged[spec].along(repeat(way)))
    effort = effort_of(stacks[0])
    times = settled_rounds(
        list(calls.values()),
        rounds=rounds,
        dropped=effort.dropped,
        timed=effort.timed,
        report=lambda done: report("measuring what deciding costs", done),
    )
    return dict(zip(calls, low(times).tolist(), strict=True))
