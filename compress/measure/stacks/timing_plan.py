"""What is timed for a profile: the same for the process at hand and for a kit carried elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from compress.core import TrackerSpec
from compress.latency import static
from compress.measure.budget import MeasurementBudget, budget_of
from compress.measure.coverage import Coverage
from compress.measure.stacks import Stacks, stacks_of
from compress.measure.stacks.validation_set import validation_set


@dataclass(frozen=True)
class Plan:
    """Trackers to time, in batches that are each timed in one shuffled run together with the empty loop.

    Attributes:
        held: Whole trackers to hold the profile against, by name; they end the last batch.
    """

    teacher: TrackerSpec
    coverage: Coverage
    budget: MeasurementBudget
    stacks: Stacks
    parts: tuple[tuple[TrackerSpec, ...], ...]
    validation: dict[str, TrackerSpec]

    @classmethod
    def of(cls, teacher: TrackerSpec, coverage: Coverage) -> Plan:
        teacher = static(teacher)
        budget = budget_of(teacher)
        stacks = stacks_of(teacher, coverage, budget.depths, sparing=budget.sparing)
        specs = list(dict.fromkeys(stacks.trackers()))
        parts = [*_by_attention(specs), []] if budget.sparing else [specs]
        return cls(teacher, coverage, budget, stacks, tuple(map(tuple, parts)), validation_set(teacher, coverage))

    @property
    def batches(self) -> list[list[TrackerSpec]]:
        """What is timed together. A tracker may be timed twice: as a stack, and to hold the profile against."""
        return [*map(list, self.parts[:-1]), [*self.parts[-1], *self.validation.values()]]


def _by_attention(specs: list[TrackerSpec]) -> list[list[TrackerSpec]]:
    """One list per attention of the whole tracker: what is told apart stays together."""
    groups: dict[str, list[TrackerSpec]] = {}
    for spec in specs:
        groups.setdefault(spec.attention, []).append(spec)
    return list(groups.values())
