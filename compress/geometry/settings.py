"""The constants of the frame loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from compress.core.errors import UsageError

if TYPE_CHECKING:
    from compress.core.spec import TrackerSpec

UPDATE_INTERVAL = 200
"""Frames between two updates of the online template (MixFormerV2, §4.1)."""
UPDATE_GATE = 0.5
"""A frame may become the online template where its score exceeds this (MixFormerV2)."""


@dataclass(frozen=True)
class LoopSettings:
    """The constants of the loop around one tracker.

    Attributes:
        template_size, search_size: Sides of the crops in pixels.
        template_factor, search_factor: Their sides over the square root of the box area.
        grid: Patches on a side of the search crop.
        target_token: The network is given the target's box in the template crop.
        online_templates: Templates beside the first.
        update_interval: Frames between two updates of the online template; 0 keeps it the first one.
        update_gate: A frame may become the online template where its score exceeds this.
    """

    template_size: int
    search_size: int
    template_factor: float
    search_factor: float
    grid: int
    target_token: bool = False
    online_templates: int = 0
    update_interval: int = 0
    update_gate: float = UPDATE_GATE

    @classmethod
    def of(cls, spec: TrackerSpec, *, update_interval: int | None = None) -> LoopSettings:
        """The settings of a tracker.

        Args:
            update_interval: None takes MixFormerV2's 200 where the tracker has an online template and a score head to
                choose it by, and 0 elsewhere.

        Raises:
            UsageError: an interval below 0, or above it for a tracker that cannot choose a template.
        """
        return cls(
            template_size=spec.template_size,
            search_size=spec.search_size,
            template_factor=spec.template_factor,
            search_factor=spec.search_factor,
            grid=spec.grid,
            target_token=spec.target_token,
            online_templates=spec.online_templates,
            update_interval=_interval(spec, update_interval),
        )


def _interval(spec: TrackerSpec, wanted: int | None) -> int:
    able = spec.online_templates > 0 and spec.head.score
    if wanted is None:
        return UPDATE_INTERVAL if able else 0
    if type(wanted) is not int or wanted < 0:  # ranges of numbers are not in kits, which take no interval from a user
        raise UsageError(f"The update interval must be a number of frames, or 0 for never, but is {wanted}.")
    if wanted and not able:
        raise UsageError(
            f"The update interval is {wanted}, but this tracker has no online template and score head to choose it by. "
            "Leave the interval out."
        )
    return wanted
