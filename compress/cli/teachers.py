"""`compress teachers`: the named trackers."""

from __future__ import annotations

from typing import Any

import click

from compress.cli.options import json_option, print_json


@click.command()
@json_option
def command(as_json: bool) -> None:
    """List the trackers a search can start from."""
    from compress.core import TRACKERS
    from compress.core.cost import macs, parameters

    rows: list[dict[str, Any]] = []
    for name in TRACKERS.names():
        spec = TRACKERS[name]()
        summary = (TRACKERS[name].__doc__ or "").strip().splitlines()[0]
        figures = {"params": parameters(spec), "macs_per_frame": macs(spec).per_frame}
        rows.append({"name": name, "id": spec.id, "layers": len(spec.layers), **figures, "summary": summary})
    if as_json:
        print_json(rows)
        return
    width = max(len(row["name"]) for row in rows)
    click.echo(f"{'name':{width}}  layers  params (M)  MACs a frame (G)")
    for row in rows:
        size, work = row["params"] / 1e6, row["macs_per_frame"] / 1e9
        click.echo(f"{row['name']:{width}}  {row['layers']:6}  {size:10.2f}  {work:16.2f}  {row['summary']}")
