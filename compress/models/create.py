"""Named trackers as networks."""

from __future__ import annotations

from pathlib import Path

from compress.core import FileError, describe
from compress.core.files import home
from compress.models.build import build
from compress.models.layouts import weights_source
from compress.models.tracker import Tracker
from compress.models.weights import load_weights

_SHIPPED = Path(__file__).resolve().parent / "weights"


def create_tracker(name: str) -> Tracker:
    """A named tracker in eval mode with fresh weights.

    Raises:
        UsageError: unknown name.
    """
    return build(describe(name)).eval()


def load_tracker(name: str, path: str | Path | None = None) -> Tracker:
    """A named tracker in eval mode with the weights of a safetensors file.

    Args:
        path: None takes the shipped weights, or `$COMPRESS_HOME/weights/NAME.safetensors`.

    Raises:
        UsageError: unknown name.
        FileError: no weights, or a file that does not fit.
    """
    model = create_tracker(name)
    load_weights(model, weights_path(name) if path is None else path)
    return model


def weights_path(name: str) -> Path:
    """The weights file of a named tracker, shipped or put in place by the user.

    Raises:
        FileError: there is none; says which file is wanted, whose it is and where it goes.
    """
    own = home() / "weights" / f"{name}.safetensors"
    for path in (_SHIPPED / own.name, own):
        if path.is_file():
            return path
    source = weights_source(name)
    origin = (
        f"They are published by {source.name}'s official repository ({source.source}); save"
        if source
        else "They are not part of this installation; save"
    )
    raise FileError(
        f"There are no weights for {name}. {origin} the checkpoint and bring it in with "
        f"`compress import-checkpoint {name} FILE` (kept as {own}), or name the file with --weights. "
        "Weights are never downloaded."
    )
