"""The ways that frames took through an adaptive tracker, as figures and in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from compress.core import ExecutionPath, TrackerSpec


def path_figures(paths: Mapping[ExecutionPath, int], spec: TrackerSpec) -> dict[str, Any]:
    """For --json: `paths` with their frames, `mean_layers`, `exit_shares`; nothing for a static tracker."""
    from compress.core import exit_shares, mean_layers, path_rows

    if not spec.adaptive:
        return {}
    mean = mean_layers(paths, spec) if paths else None
    return {"mean_layers": mean, "exit_shares": exit_shares(paths, spec), "paths": path_rows(paths)}


def path_words(paths: Mapping[ExecutionPath, int], spec: TrackerSpec) -> str:
    """A line for people, of one way at least."""
    from compress.core import exit_shares, mean_layers

    layers = f"{mean_layers(paths, spec):.1f} of {len(spec.layers)} layers computed on average"
    shares = ", ".join(f"{k} by {share:.0%}" for k, share in enumerate(exit_shares(paths, spec)))
    return layers + (f"; exits taken: {shares}" if shares else "") + "."


def parity_words(parity: Mapping[str, Any]) -> str:
    """How near two forms of a tracker are, of the `to_dict` of a `Parity` that holds; ends the sentence."""
    maps, frames = max(parity["maps"].values()), parity["frames"]
    words = f"maps within {maps:.1g}, boxes within {parity['box_px']:.2g} px over {frames} frames of "
    words += parity["sequence"]
    if parity["paths"]:
        words += f", with the same decisions on each ({len(parity['ways'])} different ways)"
    if parity["tie_at"] is not None:
        words += f"; not compared from frame {parity['tie_at']} on, where a tie within rounding may go either way"
    return words + "."
