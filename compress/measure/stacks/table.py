"""Stacks: the trackers from whose times the costs of a backbone's components follow; the table of backbones.

A component is measured in context: whole trackers of equal layers at two depths, within the frame loop. Their
difference is the layers, the rest is embedding, head and call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from compress.core import Registry, TrackerSpec
from compress.latency import BlockCost, Overhead
from compress.measure.coverage import Coverage

Times = Callable[[TrackerSpec], float]
"""Milliseconds of a tracker that was timed."""


@dataclass(frozen=True)
class Depths:
    """Layers of the shallow and of the deep stack."""

    shallow: int
    deep: int

    def intercept(self, shallow_ms: float, deep_ms: float) -> float:
        """What a stack without layers would take."""
        return (shallow_ms * self.deep - deep_ms * self.shallow) / (self.deep - self.shallow)


@dataclass(frozen=True)
class Components:
    """Costs of a backbone's components, as in `Profile`."""

    overhead: tuple[Overhead, ...]
    blocks: tuple[BlockCost, ...]
    elimination_ms: float | None = None


class Stacks(Protocol):
    """The trackers to time for the backbone of one teacher, and what their times say."""

    def trackers(self) -> Iterator[TrackerSpec]:
        """Distinct or not; equal ones need timing once."""
        ...

    def components(self, ms: Times) -> Components:
        """Costs of the components from the times of the trackers."""
        ...


class StacksOf(Protocol):
    """Makes the stacks of a teacher; a class of stacks is one."""

    def __call__(self, teacher: TrackerSpec, coverage: Coverage, depths: Depths, *, sparing: bool) -> Stacks:
        """Stacks that give the cost of everything within `coverage`; `sparing`: fewer of them, for large networks."""
        ...


@dataclass(frozen=True)
class BackboneStacks:
    """How trackers of one backbone are measured.

    Attributes:
        shallow: Layers of the shallow stack, per stage.
        stacks: Makes the stacks of a teacher.
        validation_set: Whole trackers, by name, whose times show how far a profile is off: for the scale of its
            predictions and for its error. Any layers within the coverage.
    """

    shallow: int
    stacks: StacksOf
    validation_set: Callable[[TrackerSpec, Coverage], dict[str, TrackerSpec]]


STACKS: Registry[BackboneStacks] = Registry("stacks of a backbone")


def stacks_of(teacher: TrackerSpec, coverage: Coverage, depths: Depths, *, sparing: bool = False) -> Stacks:
    """The stacks of a teacher, by its backbone."""
    return STACKS[teacher.backbone].stacks(teacher, coverage, depths, sparing=sparing)


def validation_set(teacher: TrackerSpec, coverage: Coverage) -> dict[str, TrackerSpec]:
    """The validation set of a teacher's profile, by its backbone."""
    return STACKS[teacher.backbone].validation_set(teacher, coverage)
