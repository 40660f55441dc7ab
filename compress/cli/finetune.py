"""`compress finetune`: a variant of a run trained on, to the end of a schedule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from compress.cli.options import SourceCommand, json_option, print_json, quiet_option
from compress.cli.progress import progress_display
from compress.cli.settings_options import given, settings_options
from compress.cli.tables import print_finetuned
from compress.driver.finetuning.settings import FinetuneSettings


@click.command("finetune", cls=SourceCommand)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--variant", metavar="ID", required=True, help="A trained variant of RUN, e.g. v017, to go on from.")
@settings_options(FinetuneSettings)
@quiet_option
@json_option
def command(run: Path, variant: str, quiet: bool, as_json: bool, **settings: Any) -> None:
    """Train a variant of RUN on by distillation from RUN's teacher, to the end of a schedule of --steps.

    The result is a variant of its own at fidelity finetuned, scored and timed beside its parent; what the search found
    stays as it is. The same command again continues a training that was stopped.
    """
    from compress.archive import read_archive, row
    from compress.core.text import printable, shell_command
    from compress.driver.finetuning.finetune import finetune
    from compress.report import finetuned_sentence

    with progress_display(quiet=quiet or as_json) as progress:
        record = finetune(run, variant, progress=progress, **given(settings))
    archive = read_archive(run)
    if as_json:
        print_json({"variant": record.variant, "summary": finetuned_sentence(record), **row(archive, record)})
        return
    print_finetuned(archive)
    click.echo(finetuned_sentence(record))
    click.echo(f"Report: {printable(run / 'report' / 'index.html')}")
    click.echo(f"Export: {shell_command('compress', 'export', run, '--variant', record.variant, '--out', 'bundle/')}")
