"""A search that starts from a plan: students of its front are asked for first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna

from compress.archive import read_archive, read_knobs
from compress.core import TrackerSpec, UsageError
from compress.driver.plan_front import spread
from compress.spaces import Space


def planned(plan: str | Path, space: Space, teacher: TrackerSpec) -> list[dict[str, Any]]:
    """The choices behind each variant on a plan's front that `space` offers, fastest first.

    Raises:
        FileError: not a run directory, or damaged.
        UsageError: the plan is of another teacher, has an empty front, or holds nothing that the space offers.
    """
    archive = read_archive(plan)
    if archive.teacher.spec != teacher:
        raise UsageError(f"{plan} is for another teacher ({archive.teacher.spec.id}). Give --plan a run for this one.")
    knobs, offered = read_knobs(plan), space.choices(teacher)
    front = [knobs[record.variant] for record in archive.front(archive.fidelity)]
    if not front:
        raise UsageError(f"The front of {plan} is empty: no student keeps its bound. Plan with a bound that some keep.")
    fitting = [each for each in front if _offered(each, offered)]
    if not fitting:
        named = archive.settings.get("space", "the plan's")
        raise UsageError(f"No variant on the front of {plan} is in the space {space.name}. Give --space {named}.")
    return fitting


def enqueue(study: optuna.Study, plan: list[dict[str, Any]], students: int) -> None:
    """Ask first for students spread over a plan, half as many as are to be trained; not in a study that has begun."""
    if not study.get_trials(deepcopy=False):
        for knobs in spread(plan, max(1, students // 2)):
            study.enqueue_trial(knobs)


def _offered(knobs: dict[str, Any], choices: dict[str, tuple[Any, ...]]) -> bool:
    return all(name in choices and value in choices[name] for name, value in knobs.items())
