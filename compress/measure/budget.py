"""How much is timed for a profile."""

from __future__ import annotations

from dataclasses import dataclass

from compress.core import TrackerSpec
from compress.measure.stacks.table import STACKS, Depths
from compress.measure.timing import DROPPED, TIMED

_LARGE_DIM = 384


@dataclass(frozen=True)
class MeasurementBudget:
    """How a family is timed: stacks of these depths, runs dropped and timed in a visit, and paths of adaptive trackers.

    Large networks miss the caches anyway, so they need fewer runs; and a few of them fill the memory,
    so they are timed one attention after the other, and fewer of them.
    """

    depths: Depths
    dropped: int
    timed: int
    sparing: bool
    paths: int


def budget_of(teacher: TrackerSpec) -> MeasurementBudget:
    """How the family of `teacher` is timed."""
    if teacher.dim >= _LARGE_DIM:
        return MeasurementBudget(Depths(shallow=1, deep=4), dropped=1, timed=2, sparing=True, paths=6)
    depths = Depths(shallow=STACKS[teacher.backbone].shallow, deep=12)
    return MeasurementBudget(depths, dropped=DROPPED, timed=TIMED, sparing=False, paths=36)
