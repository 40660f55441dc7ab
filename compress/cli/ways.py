"""The ways that frames took through an adaptive tracker, as figures and in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from compress.core import TrackerSpec, Way


def way_figures(ways: Mapping[Way, int], spec: TrackerSpec) -> dict[str, Any]:
    """For --json: `ways` with their frames, `mean_layers`, `exit_shares`; nothing for a static tracker."""
    from compress.core import exit_shares, mean_layers, way_rows

    if not spec.adaptive:
        return {}
    mean = mean_layers(ways, spec) if ways else None
    return {"mean_layers": mean, "exit_shares": exit_shares(ways, spec), "ways": way_rows(ways)}


def way_words(ways: Mapping[Way, int], spec: TrackerSpec) -> str:
    """A line for people, of one way at least."""
    from compress.core import exit_shares, mean_layers

    layers = f"{mean_layers(ways, spec):.1f} of {len(spec.layers)} layers computed on average"
    shares = ", ".join(f"{k} by {share:.0%}" for k, share in enumerate(exit_shares(ways, spec)))
    return layers + (f"; exits taken: {shares}" if shares else "") + "."
