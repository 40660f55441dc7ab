"""`compress train-teacher`: train a small teacher from scratch."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from compress.cli.number_types import Number
from compress.cli.options import SourceCommand, device_option, out_option, quiet_option
from compress.cli.progress import progress_display
from compress.cli.settings_options import chosen, given, settings_options
from compress.core.ranges import MINUTES, WORKERS
from compress.core.settings import settings_of
from compress.distill.recipe_file import load_recipe
from compress.distill.teacher_recipe import TeacherRecipe
from compress.distill.trainer_settings import ComputeSettings


@click.command("train-teacher", cls=SourceCommand)
@click.argument("name")
@out_option("Folder for weights, state and log; a stopped training continues there.", required=True)
@click.option("--recipe", "recipe_name", metavar="NAME|FILE", help="A published recipe; other options replace parts.")
@settings_options(TeacherRecipe)
@settings_options(ComputeSettings)
@click.option("--workers", type=Number(WORKERS), default=1, show_default=True, help="Processes that draw pairs.")
@click.option("--train-data", default="generated", show_default=True, metavar="SOURCE", help="Its data; see below.")
@click.option("--images", type=click.Path(exists=True, file_okay=False), help="Your images as texture.")
@click.option(
    "--save-every", type=Number(MINUTES), default=2.0, show_default=True, help="Most minutes between two saves."
)
@click.option("--tensorboard", type=click.Path(path_type=Path), metavar="DIR", help="Folder for TensorBoard's files.")
@device_option
@quiet_option
def command(
    name: str,
    out: Path,
    recipe_name: str | None,
    workers: int,
    train_data: str,
    images: str | None,
    save_every: float,
    tensorboard: Path | None,
    device: str,
    quiet: bool,
    **options: Any,
) -> None:
    """Train the tracker NAME on pairs of frames, from scratch or from ImageNet weights (--init).

    The pairs depend on the data and the seed alone. Nothing is downloaded: see docs/checkpoints.md for what --init
    takes. Several GPUs: torchrun --nproc-per-node N -m compress train-teacher …
    """
    from compress.core import describe
    from compress.data import open_source
    from compress.distill import train_teacher

    source = open_source(train_data, images=images or "", training=True)
    speaks = os.environ.get("RANK", "0") == "0"  # of the processes that torchrun starts one speaks
    with progress_display(quiet=quiet or not speaks) as progress:
        train_teacher(
            describe(name),
            recipe_of(recipe_name, options),
            source,
            out=out,
            device=device,
            workers=workers,
            progress=progress,
            save_every=60 * save_every,
            compute=chosen(ComputeSettings, options),
            tensorboard=tensorboard,
        )
    if speaks:
        click.echo(f"Weights: {out / 'weights.safetensors'}")


def recipe_of(name: str | None, options: dict[str, Any]) -> TeacherRecipe:
    """The recipe of a name, with the options that were given in the place of what it states."""
    if name is None:
        return chosen(TeacherRecipe, options)
    known = {each.name for each in settings_of(TeacherRecipe)}
    return TeacherRecipe.following(load_recipe(name), {k: v for k, v in given(options).items() if k in known})
