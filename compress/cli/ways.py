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


def parity_words(parity: Mapping[str, Any]) -> str:
    """How near two forms of a tracker are, of the `to_dict` of a `Parity` that holds; ends the sentence."""
    maps, frames = max(parity["maps"].values()), parity["frames"]
    words = f"maps within {maps:.1g}, boxes within {parity['box_px']:.2g} px over {frames} frames of "
    words += parity["sequence"]
    if parity["ways"]:
        words += f", with the same decisions on each ({len(parity['ways'])} different ways)"
    if parity["tie_at"] is not None:
        words += f"; not compared from frame {parity['tie_at']} on, where a tie within rounding may go either way"
    return words + "."
