"""`compress describe`: one tracker's spec and cost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from compress.cli.options import json_option, print_json

if TYPE_CHECKING:
    from compress.core import TrackerSpec
    from compress.core.cost import Component


@click.command()
@click.argument("tracker", metavar="NAME|SPEC.json")
@click.option("--check", is_flag=True, help="Build the network and count its operators beside the formula.")
@json_option
def command(tracker: str, check: bool, as_json: bool) -> None:
    """Show a tracker's spec, parameters and MACs.

    MACs count one per multiply-add of linear layers, convolutions and attention products, at batch 1. `macs` is one
    forward of template and search; `macs_per_frame` leaves out what is computed once per sequence (`macs_template`).
    Where a tracker skips layers or exits early both are the worst path's. `macs_linear_conv` leaves attention
    products out, as papers do. --check also counts what the network computes, operator by operator, and fails where
    that is not what the formula says.
    """
    from compress.cli.cost_check import check_cost, check_error, check_lines
    from compress.cli.specs import cost_of, read_spec

    spec = read_spec(tracker)
    cost = cost_of(spec)
    checked = check_cost(spec) if check else None
    if as_json:
        ids = {"name": tracker, "id": spec.id, "weights_id": spec.weights_id}
        print_json(ids | cost | {"spec": spec.to_dict()} | ({"check": checked.to_dict()} if checked else {}))
    else:
        lines = [*_lines(spec, cost), *(["", *check_lines(checked)] if checked else [])]
        click.echo(f"{tracker}  {spec.id}  weights {spec.weights_id}")
        click.echo("\n".join(f"  {line}".rstrip() for line in lines))
    if checked and (error := check_error(tracker, checked)):
        raise error


def _lines(spec: TrackerSpec, cost: dict[str, Any]) -> Iterator[str]:
    from compress.cli.formatting import spec_lines

    for title, text in (*_cost_lines(cost), *spec_lines(spec)):
        yield f"{title:15} {text}"
    yield ""
    yield from _part_lines(spec)
    if spec.adaptive:
        yield "A frame meets what lies on its path: a skipped layer costs its decision, one head answers."


def _cost_lines(cost: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "parameters", f"{cost['params'] / 1e6:.2f} M"
    yield "MACs a frame", f"{_range(cost['macs_per_frame_min'], cost['macs_per_frame'])} G"
    yield "MACs a template", f"{cost['macs_template'] / 1e9:.3f} G"
    papers = cost["macs_linear_conv"]
    ends = papers if isinstance(papers, dict) else {"min": papers, "max": papers}
    yield "as papers count", f"{_range(**ends)} G, both together without attention products"


def _range(min: int, max: int) -> str:
    low, high = f"{min / 1e9:.3f}", f"{max / 1e9:.3f}"
    return high if low == high else f"{low}–{high}"


def _part_lines(spec: TrackerSpec) -> Iterator[str]:
    """A table of the parts, equal kinds added up."""
    yield f"{'part':18}{'params (M)':>12}{'template (GMACs)':>18}{'frame (GMACs)':>15}"
    for name, group in _groups(spec).items():
        held = _figure(sum(part.parameters for part in group) / 1e6)
        once, each = (_figure(sum(getattr(p, work).done for p in group) / 1e9) for work in ("template", "frame"))
        yield f"{name:18}{held:>12}{once:>18}{each:>15}"


def _figure(value: float) -> str:
    if not value:
        return ""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _groups(spec: TrackerSpec) -> dict[str, list[Component]]:
    """Parts by what they are: layers are one group, an exit and its head are two of their own."""
    from compress.core.cost import components

    groups: dict[str, list[Component]] = {}
    for part in components(spec):
        name = part.name if part.name.startswith("exits") else part.name.split(".")[0]
        groups.setdefault(name, []).append(part)
    return groups
