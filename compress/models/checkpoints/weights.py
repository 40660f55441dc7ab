"""Weights files: read with every check before any weight is used, written as safetensors only."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from compress.core import FileError, TrackerSpec
from compress.core.files import replacing
from compress.models.checkpoints.layouts import Adapted, adapted, layout_of
from compress.models.checkpoints.matching import NOT_ADAPTABLE, damage, likely_cause, misfits
from compress.models.checkpoints.pickled import read_pickled
from compress.models.tracker import Tracker

# A zip archive (torch.save), pickle protocols 2 to 5.
_PICKLE_STARTS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def save_weights(
    model: Tracker, path: str | Path, *, metadata: dict[str, str] | None = None, dtype: torch.dtype | None = None
) -> None:
    """Write all parameters and buffers, and the spec as metadata `spec`, whole or not at all.

    Args:
        metadata: More to keep in the file's header.
        dtype: Floating type on disk, e.g. `torch.float16`; None keeps the model's.

    Raises:
        FileError: the place cannot be written.
    """
    tensors = {key: _on_disk(value, dtype) for key, value in model.state_dict().items()}
    try:
        with replacing(Path(path)) as temporary:
            save_file(tensors, temporary, metadata={"spec": model.spec.to_json(), **(metadata or {})})
    except (OSError, SafetensorError) as error:
        raise FileError(f"Cannot write weights to {path}: {error}. Free some space or choose another place.") from error


def load_weights(model: Tracker, path: str | Path) -> Adapted:
    """Fill `model` from a safetensors file or an official checkpoint, in this package's layout or a project's.

    Returns:
        What was loaded, the layout it was in, and what was left out.

    Raises:
        FileError: the file is missing, damaged, dangerous, or of another tracker; nothing is loaded then.
    """
    state = read_weights(path)
    found = _adapted(model.spec, state, path)
    problem = misfits(model.state_dict(), found.state)
    if problem:
        cause = likely_cause(model.spec, state)
        raise FileError(f"The weights in {path} do not fit this tracker: {problem}. {cause}")
    damaged = damage(model.spec, found.state)
    if damaged:
        raise FileError(f"{path} is damaged: {damaged}. Fetch or save it again.")
    model.load_state_dict(found.state)
    return found


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file, or the weights of an official PyTorch checkpoint.

    Raises:
        FileError: the file is missing or damaged, or a checkpoint that would run something.
    """
    path = Path(path)
    if _is_pickled(path):
        return read_pickled(path)
    try:
        with safe_open(path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
    except (SafetensorError, OSError, ValueError) as error:
        raise FileError(f"{path} is not a whole safetensors file ({error}). Fetch or save it again.") from error


def weights_key(model: Tracker) -> str:
    """A short hash of all parameters and buffers."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode() + value.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def _is_pickled(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4).startswith(_PICKLE_STARTS)
    except OSError as error:
        raise FileError(f"Cannot read the weights file {path}: {error.strerror or error}.") from error


def _adapted(spec: TrackerSpec, state: dict[str, Tensor], path: str | Path) -> Adapted:
    layout = layout_of(state)
    if layout is None:
        return Adapted(state)
    try:
        return adapted(layout, state, spec)
    except NOT_ADAPTABLE as error:
        reason = error.args[0] if isinstance(error, KeyError) else error  # the text of a KeyError is in quotes
        raise FileError(
            f"{path} is a checkpoint of {layout.name}, but incomplete or of another tracker ({reason}). "
            f"{likely_cause(spec, state)}"
        ) from error


def _on_disk(value: Tensor, dtype: torch.dtype | None) -> Tensor:
    value = value.detach().cpu().contiguous()
    return value.to(dtype) if dtype is not None and value.is_floating_point() else value
