"""`compress teachers`: the named trackers."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator
from typing import Any

import click

from compress.cli.options import json_option, print_json


@click.command()
@json_option
def command(as_json: bool) -> None:
    """List the trackers a search can start from.

    MACs are those of one frame; two figures are the cheapest and the worst path of a tracker that skips layers or
    exits early. `compress describe NAME` shows more.
    """
    from compress.core import TRACKERS

    rows = [_row(name) for name in TRACKERS.names()]
    if as_json:
        print_json(rows)
        return
    for line in _table(rows):
        click.echo(line)


def _row(name: str) -> dict[str, Any]:
    from compress.cli.specs import cost_of
    from compress.core import TRACKERS

    spec = TRACKERS[name]()
    summary = (TRACKERS[name].__doc__ or "").strip().splitlines()[0]
    ids = {"name": name, "id": spec.id, "weights_id": spec.weights_id, "layers": len(spec.layers)}
    return ids | cost_of(spec) | {"summary": summary}


def _table(rows: list[dict[str, Any]]) -> Iterator[str]:
    """One row a tracker; what it is goes on below where the line is full."""
    width = max(len(row["name"]) for row in rows)
    head = f"{'name':{width}}  {'params (M)':>10}  {'GMACs a frame':>13}  "
    yield f"{head}what it is"
    room = min(120, max(80, shutil.get_terminal_size().columns)) - len(head)
    for row in rows:
        first, *more = textwrap.wrap(row["summary"], room, break_on_hyphens=False)
        yield f"{row['name']:{width}}  {row['params'] / 1e6:10.2f}  {_giga(row):>13}  {first}"
        yield from (" " * len(head) + line for line in more)


def _giga(row: dict[str, Any]) -> str:
    low, high = (f"{row[key] / 1e9:.2f}" for key in ("macs_per_frame_min", "macs_per_frame"))
    return high if low == high else f"{low}–{high}"
