"""`compress report`: rebuild a run's tables and page, and show its front."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from compress.cli.options import json_option, print_json

if TYPE_CHECKING:
    from compress.archive import Archive

_COLUMNS = {
    "variant": "variant",
    "ao": "AO",
    "ao_se": "± SE",
    "fidelity": "AO is",
    "latency_ms": "ms",
    "latency_provenance": "ms is",
    "fps": "fps",
    "params": "params",
    "macs": "MACs",
}


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@json_option
def command(run: Path, as_json: bool) -> None:
    """Write pareto.csv, trials.csv and report/index.html of RUN again, and show its front.

    RUN is the folder a search wrote.
    """
    from compress.archive import read_archive, write_pareto_csv, write_trials_csv
    from compress.report import verdict, write_report

    archive = read_archive(run)
    write_pareto_csv(archive, run / "pareto.csv")
    write_trials_csv(archive, run / "trials.csv")
    page = write_report(archive, run / "report")
    if as_json:
        print_json(_answer(archive, verdict(archive), page))
        return
    _show(archive)
    click.echo(verdict(archive))
    click.echo(f"Report: {page}")


def _answer(archive: Archive, sentence: str, page: Path) -> dict[str, Any]:
    from compress.archive import front_rows, row

    return {
        "verdict": sentence,
        "constraint": {"max_ms": archive.constraint.max_ms, "at": archive.constraint.at} | archive.constraint.given,
        "fidelity": archive.fidelity,
        "hypervolume": archive.hypervolume(archive.fidelity),
        "teacher": row(archive, archive.teacher),
        "front": [each for each in front_rows(archive) if not each["teacher"]],
        "trials": len(archive.records),
        "report": page,
    }


def _show(archive: Archive) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from compress.archive import front_rows

    table = Table(box=None, pad_edge=False)
    for name, title in _COLUMNS.items():
        table.add_column(title, justify="left" if name in ("variant", "fidelity", "latency_provenance") else "right")
    for each in front_rows(archive):
        table.add_row(*(Text(_cell(name, each[name])) for name in _COLUMNS))
    Console().print(table)


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "–"
    if name in ("params", "macs"):
        return f"{value / 1e6:.3g} M"
    if name == "fps":
        return f"{value:.0f}"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
