"""`compress report`: rebuild a run's tables and page, and show its front."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from compress.cli.options import json_option, print_json
from compress.cli.tables import print_finetuned, print_front, print_plan

if TYPE_CHECKING:
    from compress.archive import Archive


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@json_option
def command(run: Path, as_json: bool) -> None:
    """Write pareto.csv, trials.csv and report/index.html of RUN again, and show its front.

    RUN is the folder a search wrote, or writes now.
    """
    from compress.archive import read_archive, running_search
    from compress.core.text import printable
    from compress.report import remarks, summary_sentence, write_report

    archive, running = read_archive(run), running_search(run)
    page = write_report(archive, run)
    if as_json:
        print_json(_answer(archive, summary_sentence(archive), page) | {"running": running and asdict(running)})
        return
    print_front(archive)
    click.echo(summary_sentence(archive))
    for sentence in remarks(archive):
        click.echo(sentence)
    if running is not None:
        click.echo(f"The search is {running}. Its report is of what has ended.")
    print_finetuned(archive)
    click.echo(f"Report: {printable(page)}")
    if archive.plan is not None:
        print_plan(archive.plan, len(archive.front(archive.fidelity)))


def _answer(archive: Archive, sentence: str, page: Path) -> dict[str, Any]:
    from compress.archive import front_rows, row
    from compress.report import published_answer

    return {
        "summary": sentence,
        "constraint": {"max_ms": archive.constraint.max_ms, "at": archive.constraint.at, **archive.constraint.given},
        "fidelity": archive.fidelity,
        "noise": archive.noise,
        "hypervolume": archive.hypervolume(archive.fidelity),
        "teacher": row(archive, archive.teacher),
        "front": [each for each in front_rows(archive) if not each["teacher"]],
        "trials": len(archive.records),
        "finetuned": [row(archive, record) for record in archive.finetuned],
        "report": page,
        **({"plan": archive.plan.to_dict(), "published": published_answer(archive)} if archive.plan else {}),
    }
