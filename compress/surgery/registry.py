"""`Surgery`: how students of one backbone take over a teacher's weights; the registry of all backbones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor

from compress.core import Registry, TrackerSpec
from compress.models import Tracker
from compress.surgery.block import State
from compress.surgery.importance import InputStatistics


class Surgery(Protocol):
    """How students of one backbone inherit."""

    def cut(
        self, teacher: Tracker, spec: TrackerSpec, observed: Mapping[str, InputStatistics] | None, *, leading: bool
    ) -> State:
        """The whole state dict of a student of `spec`, taken from the teacher's or, what that lacks, drawn anew.

        Args:
            spec: Fits the teacher: the same backbone, source layers that there are, widths at most as large; crops of
                any size unless the backbone fixes them.
            observed: What the linear layers of the teacher's backbone took in, by their names there; None where the
                importance of a unit is to be guessed from weights.
            leading: Keep the first hidden units instead of the most important ones.

        Returns:
            Where gradients are recorded they reach the teacher's parameters.
        """
        ...

    def importance(self, teacher: Tracker, observed: Mapping[str, InputStatistics]) -> dict[str, Tensor]:
        """Of the inputs (D,) of the linear layers that are cut, by their names in `observed`, before anything is."""
        ...

    def uncut(self, spec: TrackerSpec) -> TrackerSpec:
        """The spec with layers as wide as those of the published ImageNet model that the tracker is made from."""
        ...


SURGERY: Registry[Surgery] = Registry("surgery of a backbone")
