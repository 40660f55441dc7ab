"""`compress data`: what is in a source of sequences, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from compress.cli.number_types import Number
from compress.cli.options import SourceCommand, json_option, print_json
from compress.core.ranges import READING_WORKERS

if TYPE_CHECKING:
    from compress.data.checking import DataReport
    from compress.data.sources import DataSource

_SHOWN = 20


@click.command("data", cls=SourceCommand)
@click.argument("source")
@click.option("--strict", is_flag=True, help="End with exit code 1 where anything is wrong.")
@click.option(
    "--contact-sheet",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a picture (.jpg or .png) of up to 48 sequences with their boxes.",
)
@click.option(
    "--workers",
    type=Number(READING_WORKERS),
    metavar="N",
    help="Processes that index it the first time (default: the cores, where there are many sequences).",
)
@json_option
def command(source: str, strict: bool, contact_sheet: Path | None, workers: int | None, as_json: bool) -> None:
    """Index the sequences of SOURCE and check them: frames, boxes, labels.

    The index is kept, so that searches, trainings and evaluations start at once. A sequence with a fatal problem makes
    them refuse the source; other problems are for you to judge. Each is listed with its sequence and its line.
    """
    from compress.data import open_source
    from compress.data.checking import check_data

    opened = open_source(source)
    report = check_data(opened, workers)
    if contact_sheet is not None:
        _write_sheet(opened, contact_sheet)
    if as_json:
        print_json(report)
    else:
        _print(report)
    if strict:
        report.check()


def _write_sheet(source: DataSource, path: Path) -> None:
    import cv2

    from compress.core import UsageError
    from compress.core.writing import write_file
    from compress.data.contact_sheet import contact_sheet

    if path.suffix.lower() not in (".jpg", ".jpeg", ".png"):
        raise UsageError(f"--contact-sheet must be a .jpg or .png file but is {path}. Example: sheet.jpg.")
    _, data = cv2.imencode(path.suffix.lower(), contact_sheet(source)[..., ::-1])
    write_file(path, data.tobytes())


def _print(report: DataReport) -> None:
    from compress.core.text import printable

    click.echo(printable(report.name))
    for name in ("sequences", "frames", "visible", "first_only"):
        if name != "first_only" or report.first_only:
            click.echo(f"{name:12} {getattr(report, name)}")
    if report.convention:
        click.echo(f"{'convention':12} {report.convention}")
    click.echo(f"{'fingerprint':12} {report.fingerprint or 'none, as a file cannot be read'}")
    click.echo(f"{'problems':12} {len(report.problems)}")
    for problem in report.problems[:_SHOWN]:
        click.echo(f"  {printable(problem.sequence)}{' (fatal)' * problem.fatal}: {printable(problem.text)}")
    if len(report.problems) > _SHOWN:
        click.echo(f"  and {len(report.problems) - _SHOWN} more; --json lists all")
