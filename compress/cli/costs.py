"""What a tracker costs, for JSON and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from compress.core import TrackerSpec


def cost_of(spec: TrackerSpec) -> dict[str, Any]:
    """Parameters and multiply-accumulates; where the work depends on the frame those of the worst path.

    `macs_per_frame_min` is the cheapest path's; `macs_linear_conv` a number, or `min` and `max` of an adaptive tracker.
    """
    from compress.core.cost import macs, macs_cheapest, macs_linear_conv, parameters

    work, papers = macs(spec), macs_linear_conv(spec)
    return {
        "params": parameters(spec),
        "macs": work.full,
        "macs_per_frame": work.per_frame,
        "macs_per_frame_min": macs_cheapest(spec).per_frame,
        "macs_template": work.template,
        "macs_linear_conv": {"min": papers.min, "max": papers.max} if spec.adaptive else papers.max,
    }
