"""Which trackers tell what a family's parts cost, and how to read the costs off their times.

A part is measured in context: whole trackers of equal layers at two depths, within the frame loop. Their difference
is the layers, the rest is embedding, head and call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from compress.core import TrackerSpec
from compress.measure.corners import Corners
from compress.measure.levit_stacks import LevitStacks
from compress.measure.parts import Depths, Parts
from compress.measure.vit_stacks import VitStacks


class Stacks(Protocol):
    """The trackers to time for one family, and what their times say."""

    def trackers(self) -> Iterator[TrackerSpec]:
        """Distinct or not; equal ones need timing once."""
        ...

    def parts(self, ms: Callable[[TrackerSpec], float]) -> Parts:
        """Costs of the parts from the times `ms` of the trackers."""
        ...


def stacks_of(teacher: TrackerSpec, corners: Corners, depths: Depths, *, sparing: bool = False) -> Stacks:
    """The stacks of a teacher's family. `sparing`: see `VitStacks`."""
    if teacher.backbone == "levit":
        return LevitStacks(teacher, corners, depths)
    return VitStacks(teacher, corners, depths, sparing=sparing)
