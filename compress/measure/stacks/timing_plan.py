"""What is timed for a profile: the same on this host and by a kit on another device."""

from __future__ import annotations

from dataclasses import dataclass

from compress.core import TrackerSpec
from compress.latency import static
from compress.measure.budget import MeasurementBudget, budget_of
from compress.measure.coverage import Coverage
from compress.measure.stacks.table import Stacks, stacks_of, validation_set


@dataclass(frozen=True)
class TimingPlan:
    """Trackers to time, in batches that are each timed in one shuffled run together with the empty loop.

    Attributes:
        stacks: What the components' costs are read off.
        stack_batches: The trackers of the stacks, as they are timed together.
        validation: The validation set, by name; it ends the last batch.
    """

    teacher: TrackerSpec
    coverage: Coverage
    budget: MeasurementBudget
    stacks: Stacks
    stack_batches: tuple[tuple[TrackerSpec, ...], ...]
    validation: dict[str, TrackerSpec]

    @classmethod
    def of(cls, teacher: TrackerSpec, coverage: Coverage) -> TimingPlan:
        """For the family of a teacher, static as it is timed."""
        teacher = static(teacher)
        budget = budget_of(teacher)
        stacks = stacks_of(teacher, coverage, budget.depths, sparing=budget.sparing)
        specs = list(dict.fromkeys(stacks.trackers()))
        batches = [*_by_attention(specs), []] if budget.sparing else [specs]
        return cls(teacher, coverage, budget, stacks, tuple(map(tuple, batches)), validation_set(teacher, coverage))

    @property
    def batches(self) -> list[list[TrackerSpec]]:
        """What is timed together. A tracker may be timed twice: as a stack, and as one of the validation set."""
        return [*map(list, self.stack_batches[:-1]), [*self.stack_batches[-1], *self.validation.values()]]


def _by_attention(specs: list[TrackerSpec]) -> list[list[TrackerSpec]]:
    """One list per attention of the whole tracker: what is compared stays together."""
    groups: dict[str, list[TrackerSpec]] = {}
    for spec in specs:
        groups.setdefault(spec.attention, []).append(spec)
    return list(groups.values())
