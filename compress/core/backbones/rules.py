"""`BackboneRules`: what describing the trackers of a backbone takes; the registry of all backbones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from compress.core.component import Component
from compress.core.registry import Registry
from compress.core.tracker_fields import TrackerFields


class BackboneRules(Protocol):
    """Validity, cost and shapes of the trackers of one backbone.

    A backbone from outside the package registers its rules together with its network, surgery and the rest; see
    `compress.driver.backbones`.
    """

    def problems(self, spec: TrackerFields) -> Iterator[str]:
        """One line per field that this backbone cannot have; what holds for all backbones is checked before.

        The fields need not make a tracker yet, but there is at least one layer and all sizes are positive.
        """
        ...

    def components(self, spec: TrackerFields) -> Iterator[Component]:
        """Everything in front of the box head or the exits, with its parameters and multiply-accumulates.

        Names are `patches`, `layers.3` and the like; each layer is one component called `layers.` and its index.
        """
        ...

    def head_width(self, spec: TrackerFields) -> int:
        """Width of the search tokens that reach the box head."""
        ...

    def layer_shape(self, spec: TrackerFields, i: int) -> tuple[int, int]:
        """Search tokens that layer i puts out for one frame, those eliminated included, and their width."""
        ...


BACKBONES: Registry[BackboneRules] = Registry("backbone")
