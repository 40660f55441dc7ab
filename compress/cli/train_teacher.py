"""`compress train-teacher`: train a small teacher from scratch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from compress.cli.number_types import Number
from compress.cli.options import SourceCommand, device_option, out_option, quiet_option
from compress.cli.progress import progress_display
from compress.cli.settings_options import chosen, settings_options
from compress.core.ranges import WORKERS
from compress.distill.teacher_recipe import TeacherRecipe


@click.command("train-teacher", cls=SourceCommand)
@click.argument("name")
@out_option("Folder for weights, state and log; a stopped training continues there.", required=True)
@settings_options(TeacherRecipe)
@click.option("--workers", type=Number(WORKERS), default=1, show_default=True, help="Processes that draw pairs.")
@click.option("--train-data", default="generated", show_default=True, metavar="SOURCE", help="Its data; see below.")
@click.option("--images", type=click.Path(exists=True, file_okay=False), help="Your images as texture.")
@device_option
@quiet_option
def command(
    name: str, out: Path, workers: int, train_data: str, images: str | None, device: str, quiet: bool, **recipe: Any
) -> None:
    """Train the tracker NAME on pairs of frames, from scratch or from ImageNet weights (--init).

    The pairs depend on the data and the seed alone. Nothing is downloaded: see docs/checkpoints.md for what --init
    takes.
    """
    from compress.core import describe
    from compress.data import open_source
    from compress.distill import train_teacher

    source = open_source(train_data, images=images or "", training=True)
    how = chosen(TeacherRecipe, recipe)
    with progress_display(quiet=quiet) as progress:
        train_teacher(describe(name), how, source, out=out, device=device, workers=workers, progress=progress)
    click.echo(f"Weights: {out / 'weights.safetensors'}")
