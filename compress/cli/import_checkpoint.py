"""`compress import-checkpoint`: an official checkpoint as this package's own weights file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from compress.core.text import printable

if TYPE_CHECKING:
    from compress.models.checkpoints.layouts import Adapted


@click.command("import-checkpoint")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
def command(name: str, file: Path) -> None:
    """Read the weights of the tracker NAME from FILE and keep them as safetensors under $COMPRESS_HOME/weights.

    FILE is an official PyTorch checkpoint (.pth, .pth.tar), which is read without running anything it holds, or a
    safetensors file. Every weight must be there and fit. docs/checkpoints.md lists which file is whose.
    """
    from compress.core.files import home
    from compress.core.outputs import check_output
    from compress.models import create_tracker, load_weights, save_weights

    model = create_tracker(name)
    read = load_weights(model, file)
    path = home() / "weights" / f"{name}.safetensors"
    check_output(path, [file])
    save_weights(model, path, metadata={"source": printable(file.name)})
    click.echo(_account(file, read))
    click.echo(f"{sum(p.numel() for p in model.parameters()) / 1e6:.1f} M parameters of {name} are in {path}.")


def _account(file: Path, read: Adapted) -> str:
    layout = "this package's own layout" if read.layout is None else f"{read.layout.name}'s layout"
    name = printable(file.name)
    text = f"{name} is in {layout}; it fills {len(read.state)} tensors."
    if read.others:
        text += f" The weights are those under {read.place}; others, under {', '.join(read.others)}, were not read."
    if read.left_out:
        text += f" {len(read.left_out)} were left out because the forward never reads them."
    return text
