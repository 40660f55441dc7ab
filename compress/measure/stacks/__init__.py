"""Which trackers tell what a family's parts cost, and how to read the costs off their times.

A part is measured in context: whole trackers of equal layers at two depths, within the frame loop. Their difference
is the layers, the rest is embedding, head and call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from compress.core import TrackerSpec
from compress.measure.coverage import Coverage
from compress.measure.stacks.components import Components, Depths
from compress.measure.stacks.levit import LevitStacks
from compress.measure.stacks.vit import VitStacks


class Stacks(Protocol):
    """The trackers to time for one family, and what their times say."""

    def trackers(self) -> Iterator[TrackerSpec]:
        """Distinct or not; equal ones need timing once."""
        ...

    def parts(self, ms: Callable[[TrackerSpec], float]) -> Components:
        """Costs of the parts from the times `ms` of the trackers."""
        ...


def stacks_of(teacher: TrackerSpec, coverage: Coverage, depths: Depths, *, sparing: bool = False) -> Stacks:
    """The stacks of a teacher's family. `sparing`: see `VitStacks`."""
    if teacher.backbone == "levit":
        return LevitStacks(teacher, coverage, depths)
    return VitStacks(teacher, coverage, depths, sparing=sparing)
