"""The front of a run, and what a plan found, as tables and text on stdout."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from compress.cli.console import for_drawing
from compress.core.text import printable

if TYPE_CHECKING:
    from compress.archive import Archive, Plan

_COLUMNS = {
    "variant": "variant",
    "ao": "AO",
    "ao_se": "± SE",
    "prior_ao": "AO",
    "prior_low": "from",
    "prior_high": "to",
    "fidelity": "AO is",
    "latency_ms": "ms",
    "latency_provenance": "ms is",
    "worst_ms": "worst ms",
    "mean_layers": "layers",
    "fps": "fps",
    "params": "params",
    "macs": "MACs",
}


_LEFT = ("variant", "parent", "fidelity", "latency_provenance")
"""Columns of text."""

_ADAPTIVE = ("worst_ms", "mean_layers")
"""Columns for fronts that hold adaptive trackers, in the place of MACs: 80 characters hold no more."""


_EXPECTED, _NOT_OF_PLANS = ("prior_ao", "prior_low", "prior_high"), ("ao", "ao_se", "mean_layers", "macs")
"""Columns of plans alone, and those that they have nothing for or no room."""

_MOST_OF_A_PLAN = 12
"""Rows of a plan's front, which cost nothing and are many; the others are in pareto.csv."""


def print_front(archive: Archive) -> None:
    """The front with the teacher as its last row; of a plan's long front rows spread over it."""
    from compress.archive import front_rows

    rows = front_rows(archive)
    absent = {*(_NOT_OF_PLANS if archive.plan else _EXPECTED)}
    absent.update(("macs",) if any(row["adaptive"] for row in rows) else _ADAPTIVE)
    columns = {name: title for name, title in _COLUMNS.items() if name not in absent}
    _print(_shown(rows) if archive.plan else rows, columns)


_FINETUNED = {
    "variant": "fine-tuned",
    "parent": "parent",
    "ao": "AO",
    "ao_se": "± SE",
    "vs_parent": "vs. parent",
    "vs_parent_se": "± SE",
    "validation_vs_parent": "validation",
    "validation_vs_parent_se": "± SE",
    "latency_ms": "ms",
}


def print_finetuned(archive: Archive) -> None:
    """Variants that were trained on after the search, apart from its front; nothing where there are none."""
    from compress.archive import row

    if archive.finetuned:
        _print([row(archive, record) for record in archive.finetuned], _FINETUNED)


def _print(rows: list[dict[str, Any]], columns: dict[str, str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for name, title in columns.items():
        table.add_column(title, justify="left" if name in _LEFT else "right")
    for each in rows:
        table.add_row(*(Text(_cell(name, each[name])) for name in columns))
    Console(file=for_drawing(sys.stdout)).print(table)


def _shown(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Evenly spread over the front, its ends and the teacher among them."""
    *front, teacher = rows
    if len(front) <= _MOST_OF_A_PLAN:
        return rows
    last = _MOST_OF_A_PLAN - 1
    return [*(front[round(i * (len(front) - 1) / last)] for i in range(_MOST_OF_A_PLAN)), teacher]


def print_plan(plan: Plan, front: int) -> None:
    """What has to be said about a plan, and what to type to measure and train it."""
    import click

    from compress.core.text import printable

    shown = f", {_MOST_OF_A_PLAN} of them shown, all in pareto.csv" if front > _MOST_OF_A_PLAN else ""
    space = printable(plan.space)
    estimated = f"Estimated {plan.estimated} students of the space {space}: {plan.within} keep the bound"
    click.echo(f"{estimated}, {front} are on the front{shown}.")
    for note in plan.notes:
        click.echo(f"- {printable(note)}")
    click.echo("To measure the device and train this; fill in what is in capitals:")
    for command in plan.commands:
        click.echo(f"  {printable(command)}")


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "–"
    if name in ("params", "macs"):
        return f"{value / 1e6:.3g} M"
    if name == "fps":
        return f"{value:.0f}"
    if name.endswith("vs_parent"):
        return f"{value:+.3f}"
    if name == "mean_layers":
        return f"{value:.1f}"
    return f"{value:.3f}" if isinstance(value, float) else printable(value)
