"""Weights files, checked before anything is believed; written as safetensors only."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from compress.core import FileError, TrackerSpec
from compress.core.files import replacing
from compress.models.fit import likely_cause
from compress.models.layouts import from_official
from compress.models.pickled import read_pickled
from compress.models.tracker import Tracker

# A zip archive (torch.save), pickle protocols 2 to 5.
_PICKLE_STARTS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_LISTED = 3


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


def load_weights(model: Tracker, path: str | Path) -> None:
    """Fill `model` from a safetensors file or an official checkpoint, in this package's layout or OSTrack's or
    LiteTrack's.

    Raises:
        FileError: the file is missing, damaged, dangerous, or of another tracker; nothing is loaded then.
    """
    state = _adapted(read_weights(path), path, model.spec)
    _check_keys(model, state, path)
    _check_values(model, state, path)
    model.load_state_dict(state)


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


def _adapted(state: dict[str, Tensor], path: str | Path, spec: TrackerSpec) -> dict[str, Tensor]:
    try:
        return from_official(state, spec)
    except (KeyError, IndexError, ValueError, RuntimeError) as error:
        raise FileError(f"{path} looks like a LiteTrack checkpoint but a layer is incomplete: {error}.") from error


def _check_keys(model: Tracker, state: dict[str, Tensor], path: str | Path) -> None:
    wanted = model.state_dict()
    shapes = [
        f"{k} is {_shape(state[k])} instead of {_shape(v)}"
        for k, v in wanted.items()
        if k in state and state[k].shape != v.shape
    ]
    problems = [
        _list("missing", (k for k in wanted if k not in state)),
        _list("unexpected", (k for k in state if k not in wanted)),
        _list("of another shape", shapes),
    ]
    found = "; ".join(problem for problem in problems if problem)
    if found:
        raise FileError(f"The weights in {path} do not fit this tracker: {found}. {likely_cause(model.spec, state)}")


def _check_values(model: Tracker, state: dict[str, Tensor], path: str | Path) -> None:
    bad = [k for k, v in state.items() if v.is_floating_point() and not bool(torch.isfinite(v).all())]
    if bad:
        raise FileError(f"{path} is damaged: {_list('not finite', bad)}. Fetch or save it again.")
    for key in (k for k in state if k.endswith(".kept")):
        kept = state[key].tolist()
        if kept != sorted(set(kept)) or kept[0] < 0 or kept[-1] >= model.spec.dim:
            raise FileError(f"{path} is damaged: {key} must hold rising indices below {model.spec.dim}.")


def _list(kind: str, names: Iterable[str]) -> str:
    found = sorted(names)
    more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    return f"{len(found)} {kind} ({', '.join(found[:_LISTED])}{more})" if found else ""


def _on_disk(value: Tensor, dtype: torch.dtype | None) -> Tensor:
    value = value.detach().cpu().contiguous()
    return value.to(dtype) if dtype is not None and value.is_floating_point() else value


def _shape(value: Tensor) -> str:
    return "×".join(map(str, value.shape)) or "scalar"
