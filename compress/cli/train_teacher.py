"""`compress train-teacher`: train a small teacher from scratch."""

from __future__ import annotations

from pathlib import Path

import click

from compress.cli.data_sources import SourceCommand
from compress.cli.options import device_option, out_option, quiet_option, seed_option
from compress.cli.progress import shown


@click.command("train-teacher", cls=SourceCommand)
@click.argument("name")
@out_option("Folder for weights, state and log; a stopped training continues there.", required=True)
@click.option("--steps", type=click.IntRange(1), default=20_000, show_default=True, help="Optimiser steps.")
@click.option("--batch", type=click.IntRange(2), default=64, show_default=True, help="Pairs a step.")
@click.option("--reuse", type=click.IntRange(1), default=1, show_default=True, help="Uses of each generated batch.")
@click.option("--lr", type=click.FloatRange(0, min_open=True), default=1e-3, show_default=True)
@click.option("--warmup", type=click.IntRange(0), default=500, show_default=True, help="Steps of linear warm-up.")
@click.option("--drop-path", type=click.FloatRange(0, 1, max_open=True), default=0.2, show_default=True)
@click.option("--workers", type=click.IntRange(0), default=1, show_default=True, help="Processes that draw pairs.")
@click.option("--train-data", default="generated", show_default=True, metavar="SOURCE", help="Its data; see below.")
@click.option("--images", type=click.Path(exists=True, file_okay=False), help="Your images as texture.")
@click.option("--init", default="", help="Start the backbone from a timm model in timm's cache, or a file of one.")
@seed_option()
@device_option
@quiet_option
def command(
    name: str,
    out: Path,
    steps: int,
    batch: int,
    reuse: int,
    lr: float,
    warmup: int,
    drop_path: float,
    workers: int,
    train_data: str,
    images: str | None,
    init: str,
    seed: int,
    device: str,
    quiet: bool,
) -> None:
    """Train the tracker NAME on pairs of frames, from scratch or from ImageNet weights (--init).

    The pairs depend on the data and the seed alone. Nothing is downloaded: see docs/checkpoints.md for what --init
    takes.
    """
    from compress.core import describe
    from compress.data import open_source
    from compress.distill import TeacherRecipe, train_teacher

    recipe = TeacherRecipe(
        steps=steps,
        batch=batch,
        reuse=reuse,
        lr=lr,
        warmup=warmup,
        drop_path=drop_path,
        seed=seed,
        init=init,
    )
    source = open_source(train_data, images=images or "")
    with shown(quiet=quiet) as progress:
        train_teacher(describe(name), recipe, source, out=out, device=device, workers=workers, progress=progress)
    click.echo(f"Weights: {out / 'weights.safetensors'}")
