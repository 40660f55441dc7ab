"""What is timed for a profile: the same for the process at hand and for a kit carried elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from compress.core import TrackerSpec
from compress.measure.corners import Corners
from compress.measure.effort import Effort, effort_of
from compress.measure.held_out import held_out
from compress.measure.stacks import Stacks, stacks_of
from compress.profiles import static


@dataclass(frozen=True)
class Plan:
    """Trackers to time, in batches that are each timed in one shuffled run together with the empty loop.

    Attributes:
        held: Whole trackers to hold the profile against, by name; they end the last batch.
    """

    teacher: TrackerSpec
    corners: Corners
    effort: Effort
    stacks: Stacks
    parts: tuple[tuple[TrackerSpec, ...], ...]
    held: dict[str, TrackerSpec]

    @classmethod
    def of(cls, teacher: TrackerSpec, corners: Corners) -> Plan:
        teacher = static(teacher)
        effort = effort_of(teacher)
        stacks = stacks_of(teacher, corners, effort.depths, sparing=effort.sparing)
        specs = list(dict.fromkeys(stacks.trackers()))
        parts = [*_by_attention(specs), []] if effort.sparing else [specs]
        return cls(teacher, corners, effort, stacks, tuple(map(tuple, parts)), held_out(teacher, corners))

    @property
    def batches(self) -> list[list[TrackerSpec]]:
        """What is timed together. A tracker may be timed twice: as a stack, and to hold the profile against."""
        return [*map(list, self.parts[:-1]), [*self.parts[-1], *self.held.values()]]


def _by_attention(specs: list[TrackerSpec]) -> list[list[TrackerSpec]]:
    """One list per attention of the whole tracker: what is told apart stays together."""
    groups: dict[str, list[TrackerSpec]] = {}
    for spec in specs:
        groups.setdefault(spec.attention, []).append(spec)
    return list(groups.values())
