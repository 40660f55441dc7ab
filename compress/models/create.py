"""Named trackers as networks."""

from __future__ import annotations

from pathlib import Path

from compress.core import FileError, describe
from compress.core.files import home
from compress.models.checkpoints.layouts import weights_source
from compress.models.checkpoints.weights import load_weights
from compress.models.networks import build
from compress.models.tracker import Tracker

_SHIPPED = Path(__file__).resolve().parent / "weights"

_SUFFIXES = (".safetensors", ".pth.tar", ".pth", ".pt")

_SAME_WEIGHTS = (("ostrack256", "ostrack256-ce"),)
"""Trackers that compute differently with weights of the same names, shapes and meaning: one file serves them all."""

_UNPUBLISHED = {"abtrack-": ("ABTrack", "deit_tiny_patch16_224"), "dytrack": ("DyTrack", "vit_base_patch16_224.mae")}
"""Papers without public code or weights, as far as known, by the start of their trackers' names; and what timm has to
start one from."""


def create_tracker(name: str) -> Tracker:
    """A named tracker in eval mode with fresh weights.

    Raises:
        UsageError: unknown name.
    """
    return build(describe(name)).eval()


def load_tracker(name: str, path: str | Path | None = None) -> Tracker:
    """A named tracker in eval mode with the weights of a file, see `load_weights`.

    Args:
        path: None takes what `weights_path` finds.

    Raises:
        UsageError: unknown name.
        FileError: no weights, or a file that does not fit.
    """
    model = create_tracker(name)
    load_weights(model, weights_path(name) if path is None else path)
    return model


def weights_path(name: str) -> Path:
    """The weights file of a named tracker: shipped, or put into `$COMPRESS_HOME/weights` by the user.

    There it is NAME.safetensors, .pth.tar, .pth or .pt, the first there is; failing those, the file of a tracker
    that shares its weights.

    Raises:
        FileError: there is none; names the file wanted, its authors and where to put it.
    """
    folder = home() / "weights"
    for each in (name, *_sharing_weights(name)):
        places = [_SHIPPED / f"{each}.safetensors", *(folder / f"{each}{suffix}" for suffix in _SUFFIXES)]
        for path in places:
            if path.is_file():
                return path
    raise FileError(
        f"There are no weights for {name}. {_origin(name)} Bring a file in with `compress import-checkpoint {name} "
        f"FILE` (kept as {folder / name}.safetensors), or name it with --weights. Weights are never downloaded."
    )


def _sharing_weights(name: str) -> list[str]:
    return [other for group in _SAME_WEIGHTS if name in group for other in group if other != name]


def _origin(name: str) -> str:
    source = weights_source(name)
    if source is not None:
        return f"They come from {source.name}'s official repository, {source.source}: its {source.files[name]}."
    for start, (paper, backbone) in _UNPUBLISHED.items():
        if name.startswith(start):
            return (
                f"As far as known, neither code nor weights of {paper} are public; it can be trained from ImageNet "
                f"weights: `compress train-teacher {name} --init {backbone} --out FOLDER`."
            )
    return "They are not part of this installation."
