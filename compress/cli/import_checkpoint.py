"""`compress import-checkpoint`: an official checkpoint as this package's own weights file."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("import-checkpoint")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
def command(name: str, file: Path) -> None:
    """Read the weights of the tracker NAME from FILE and keep them as safetensors under $COMPRESS_HOME/weights.

    FILE is an official PyTorch checkpoint (.pth, .pth.tar), which is read without running anything it holds, or a
    safetensors file. Every weight must be there and fit.
    """
    from compress.core.files import home
    from compress.models import load_tracker, save_weights

    model = load_tracker(name, file)
    path = home() / "weights" / f"{name}.safetensors"
    save_weights(model, path, metadata={"source": file.name})
    click.echo(f"{sum(p.numel() for p in model.parameters()) / 1e6:.1f} M parameters of {name} are in {path}.")
