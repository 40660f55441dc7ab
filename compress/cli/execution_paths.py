"""The execution paths that frames took through an adaptive tracker, as figures and as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from compress.core import AnySpec, ExecutionPath


def path_figures(paths: Mapping[ExecutionPath, int], spec: AnySpec) -> dict[str, Any]:
    """For --json: `paths` with their frames, `mean_layers`, `exit_shares`; nothing for a static tracker.

    Of a cascade also `asked`, the frames about which the accurate tracker was asked.
    """
    from compress.core import ACCURATE_ASKED, CascadeSpec, exit_shares, mean_layers, path_rows

    if not spec.adaptive:
        return {}
    mean = mean_layers(paths, spec) if paths else None
    found = {"mean_layers": mean, "exit_shares": exit_shares(paths, spec), "paths": path_rows(paths)}
    return found | ({"asked": paths.get(ACCURATE_ASKED, 0)} if isinstance(spec, CascadeSpec) else {})


def path_text(paths: Mapping[ExecutionPath, int], spec: AnySpec) -> str:
    """One line of text; at least one path."""
    from compress.core import ACCURATE_ASKED, CascadeSpec, exit_shares, mean_layers

    if isinstance(spec, CascadeSpec):
        asked, frames = paths.get(ACCURATE_ASKED, 0), sum(paths.values())
        return f"The accurate tracker was asked on {asked} of {frames} frames ({asked / frames:.1%})."
    layers = f"{mean_layers(paths, spec):.1f} of {len(spec.layers)} layers computed on average"
    shares = ", ".join(f"{k} by {share:.0%}" for k, share in enumerate(exit_shares(paths, spec)))
    return layers + (f"; exits taken: {shares}" if shares else "") + "."


def parity_text(parity: Mapping[str, Any]) -> str:
    """How closely two forms of a tracker agree, from the `to_dict` of a passed `Parity`; ends the sentence."""
    maps, frames = max(parity["maps"].values()), parity["frames"]
    text = f"maps within {maps:.1g}, boxes within {parity['box_px']:.2g} px over {frames} frames of "
    text += parity["sequence"]
    if parity["paths"]:
        text += f", with the same decisions on each ({len(parity['paths'])} different execution paths)"
    if parity["tie_at"] is not None:
        text += f"; not compared from frame {parity['tie_at']} on, where a tie within rounding may go either way"
    return text + "."
