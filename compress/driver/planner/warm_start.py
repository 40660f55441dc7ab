"""A search that starts from a plan: students on the front of the plan are proposed first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compress.archive import read_archive, read_knobs
from compress.core import TrackerSpec, UsageError
from compress.spaces import Space


@dataclass(frozen=True)
class PlannedStudent:
    """A student on a plan's front: its knobs, and its latency in ms by the plan's estimate."""

    knobs: dict[str, Any]
    ms: float


def planned_students(plan: str | Path, space: Space, teacher: TrackerSpec) -> list[PlannedStudent]:
    """The variants on a plan's front that `space` offers, fastest first.

    Raises:
        FileError: not a run directory, or damaged.
        UsageError: the plan is of another teacher, has an empty front, or holds nothing that the space offers.
    """
    archive = read_archive(plan)
    if archive.teacher.spec != teacher:
        raise UsageError(f"{plan} is for another teacher ({archive.teacher.spec.id}). Give --plan a run for this one.")
    knobs, offered = read_knobs(plan), space.choices(teacher)
    front = archive.front(archive.fidelity)
    if not front:
        raise UsageError(f"The front of {plan} is empty: no student keeps its bound. Plan with a bound that some keep.")
    fitting = [
        PlannedStudent(knobs[each.variant], each.latency.mean_ms)
        for each in front
        if each.latency and _offered(knobs[each.variant], offered)
    ]
    if not fitting:
        named = archive.settings.get("space", "the plan's")
        raise UsageError(f"No variant on the front of {plan} is in the space {space.name}. Give --space {named}.")
    return fitting


def along(plan: list[PlannedStudent], count: int) -> list[PlannedStudent]:
    """At most `count` of a front, evenly over its latencies: the slowest, and so the most accurate, up to each limit.

    The fastest of all, which hardly track, are left to the search.
    """
    least, most = plan[0].ms, plan[-1].ms
    limits = [least + (most - least) * (i + 1) / count for i in range(count)]
    found = (max((each for each in plan if each.ms <= limit + 1e-9), key=lambda each: each.ms) for limit in limits)
    return list({id(each): each for each in found}.values())


def _offered(knobs: dict[str, Any], choices: dict[str, tuple[Any, ...]]) -> bool:
    return all(name in choices and value in choices[name] for name, value in knobs.items())
