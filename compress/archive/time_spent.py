"""Where the time of a search went, by phase, over all its processes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import optuna

    from compress.archive.archive import Archive

PHASES = "phases"
"""Of a rung, what its job took, in seconds by phase; of a study, what the search did beside its jobs."""


class TimeSpent(NamedTuple):
    """Seconds that a phase took, in all processes together, and in how many jobs."""

    phase: str
    seconds: float
    jobs: int


def time_spent(archive: Archive) -> list[TimeSpent]:
    """Phases of a run, the longest first; of a search that is continued over all its sessions."""
    seconds, jobs = _checked(archive.phases), Counter[str]()
    for record in archive.records:
        for rung in record.rungs:
            found = _checked(rung.get(PHASES))
            seconds = _added(seconds, found)
            jobs.update(found.keys())
    return [TimeSpent(name, each, jobs[name]) for name, each in sorted(seconds.items(), key=lambda item: -item[1])]


def time_sentence(archive: Archive) -> str:
    """`Where the time went: training 210 s (48%), …`, the five longest; empty where nothing is known."""
    found = time_spent(archive)
    total = sum(each.seconds for each in found)
    if not total:
        return ""
    longest = [f"{each.phase} {each.seconds:.0f} s ({each.seconds / total:.0%})" for each in found[:5]]
    return f"Where the time went, over all processes: {', '.join(longest)}."


def add_phases(study: optuna.Study, seconds: Mapping[str, float]) -> dict[str, float]:
    """Add what a session of a search did beside its jobs to what earlier ones did; all of it together."""
    total = _added(_checked(study.user_attrs.get(PHASES)), seconds)
    kept = {name: round(each, 3) for name, each in total.items()}
    study.set_user_attr(PHASES, kept)
    return kept


def _added(a: Mapping[str, float], b: Mapping[str, float]) -> dict[str, float]:
    return {name: a.get(name, 0.0) + b.get(name, 0.0) for name in (*a, *(name for name in b if name not in a))}


def _checked(found: Any) -> dict[str, float]:
    """Seconds by phase as they are kept, without what is none: a study may have been written by somebody else."""
    if not isinstance(found, Mapping):
        return {}
    return {
        str(name): float(each)
        for name, each in found.items()
        if isinstance(each, int | float) and not isinstance(each, bool) and 0 <= each < 1e9
    }
