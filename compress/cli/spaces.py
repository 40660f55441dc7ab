"""`compress spaces`: the search spaces that ship, or one file checked."""

from __future__ import annotations

from typing import Any

import click

from compress.cli.options import json_option, print_json


@click.command()
@click.argument("space", required=False, metavar="[NAME|FILE.yaml]")
@click.option("--teacher", default="ostrack-nano", show_default=True, help="The teacher that choices are relative to.")
@json_option
def command(space: str | None, teacher: str, as_json: bool) -> None:
    """List the search spaces that ship, or show and check one.

    `combinations` counts the choices a sampler can make; several may describe the same tracker.
    """
    from compress.core import describe
    from compress.spaces import load_space, space_names

    spec = describe(teacher)
    rows: list[dict[str, Any]] = []
    for name in [space] if space else space_names():
        found = load_space(name)
        choices = {knob: list(values) for knob, values in found.by_knob(spec).items()}
        about: dict[str, Any] = {"name": found.name, "description": found.description, "teacher": teacher}
        about |= {"per_layer": list(found.by_layer(spec))} if found.per_layer else {}
        rows.append({**about, "combinations": found.combinations(spec), "knobs": choices})
    if as_json:
        print_json(rows[0] if space else rows)
        return
    for row in rows:
        click.echo(f"{row['name']}: {row['description']}")
        for knob, values in row["knobs"].items():
            layered = ", chosen for each layer" if knob in row.get("per_layer", ()) else ""
            click.echo(f"  {knob:12} {', '.join(map(str, values))}{layered}")
        click.echo(f"  {row['combinations']} combinations for {teacher}")
