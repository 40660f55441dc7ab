"""`compress finetune`: a variant of a run trained on, to the end of a schedule."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from compress.cli.options import SourceCommand, json_option, print_json, quiet_option
from compress.cli.progress import progress_display
from compress.cli.settings_options import chosen, given, settings_options
from compress.cli.tables import print_finetuned
from compress.core.settings import settings_of
from compress.distill.trainer_settings import ComputeSettings
from compress.driver.finetuning.settings import FinetuneSettings


@click.command("finetune", cls=SourceCommand)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--variant", metavar="ID", required=True, help="A trained variant of RUN, e.g. v017, to go on from.")
@settings_options(FinetuneSettings)
@settings_options(ComputeSettings)
@click.option("--tensorboard", type=click.Path(path_type=Path), metavar="DIR", help="Folder for TensorBoard's files.")
@quiet_option
@json_option
def command(run: Path, variant: str, tensorboard: Path | None, quiet: bool, as_json: bool, **options: Any) -> None:
    """Train a variant of RUN on by distillation from RUN's teacher, to the end of a schedule of --steps.

    The result is a variant of its own at fidelity finetuned, scored and timed beside its parent; what the search found
    stays as it is. The same command again continues a training that was stopped. Several GPUs:
    torchrun --nproc-per-node N -m compress finetune …
    """
    from compress.archive import read_archive, row
    from compress.core.text import printable, shell_command
    from compress.driver.finetuning.finetune import finetune
    from compress.report import finetuned_sentence

    own = {each.name for each in settings_of(FinetuneSettings)}
    settings = {name: value for name, value in given(options).items() if name in own}
    compute = chosen(ComputeSettings, options)
    first = os.environ.get("RANK", "0") == "0"  # of the processes that torchrun starts one speaks
    with progress_display(quiet=quiet or as_json or not first) as progress:
        record = finetune(run, variant, compute=compute, tensorboard=tensorboard, progress=progress, **settings)
    if not first:
        return
    archive = read_archive(run)
    if as_json:
        print_json({"variant": record.variant, "summary": finetuned_sentence(record), **row(archive, record)})
        return
    print_finetuned(archive)
    click.echo(finetuned_sentence(record))
    click.echo(f"Report: {printable(run / 'report' / 'index.html')}")
    click.echo(f"Export: {shell_command('compress', 'export', run, '--variant', record.variant, '--out', 'bundle/')}")
