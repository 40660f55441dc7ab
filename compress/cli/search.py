"""`compress search`: from a teacher to a Pareto front of trained students."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from compress.cli.options import SourceCommand, json_option, out_option, print_json, quiet_option
from compress.cli.progress import progress_display
from compress.cli.settings_options import given, settings_options
from compress.cli.tables import print_front, print_plan
from compress.driver.settings import SearchSettings


@click.command("search", cls=SourceCommand)
@settings_options(SearchSettings)
@out_option("Run directory (default results/TEACHER-TARGET); an earlier search there is continued.")
@click.option("--join", is_flag=True, help="Share the run with others that have it, too.")
@quiet_option
@json_option
def command(out: Path | None, join: bool, quiet: bool, as_json: bool, **settings: Any) -> None:
    """Search for students of a teacher that keep a speed on a target, and train them.

    The same command again continues a search that was stopped.

    On a device that is not at hand it plans instead, in seconds, unless there are the teacher's weights and, where
    `compress targets` calls the device estimated, --data: latency from published speeds or what was measured there,
    accuracy from published ablations, over --space full unless you name another. It says which published tracker
    reaches the speed there, and which commands would train and measure the plan.
    """
    from compress.archive import front_rows
    from compress.core import InfeasibleError
    from compress.driver.search import search
    from compress.report import published_answer, summary_sentence

    with progress_display(quiet=quiet or as_json) as progress:
        archive = search(out=out, join=join, progress=progress, **given(settings))
    if as_json:
        planned = {"plan": archive.plan.to_dict(), "published": published_answer(archive)} if archive.plan else {}
        print_json(
            {"run": archive.run_dir, "summary": summary_sentence(archive), "front": front_rows(archive), **planned}
        )
    else:
        _print(archive)
    if not archive.front(archive.fidelity if archive.plan else "full"):
        raise InfeasibleError(f"{summary_sentence(archive)} See {archive.run_dir / 'report' / 'index.html'}.")


def _print(archive: Any) -> None:
    from compress.core.text import printable, shell_command
    from compress.driver.pair_choice import PairChoice
    from compress.report import remarks, summary_sentence

    print_front(archive)
    run = archive.run_dir
    click.echo(summary_sentence(archive))
    for sentence in remarks(archive):
        click.echo(sentence)
    if "pairs" in archive.settings:
        click.echo(PairChoice.of(archive.settings["pairs"]))
    click.echo(f"Report: {printable(run / 'report' / 'index.html')}")
    if archive.plan is not None:
        print_plan(archive.plan, len(archive.front(archive.fidelity)))
        return
    front = archive.front()
    if front:
        best = max(front, key=lambda record: record.accuracy.ao)
        command = shell_command("compress", "export", run, "--variant", best.variant, "--out", "bundle/")
        click.echo(f"Export: {command}")
