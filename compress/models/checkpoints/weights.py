"""Weights files: read with every check before any weight is used, written as safetensors only."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from compress.core import CompressError, FileError, TrackerSpec
from compress.core.opening import opened
from compress.core.plain_values import shown
from compress.core.text import printable
from compress.core.writing import writing
from compress.models.checkpoints.file_kinds import HEAD, not_weights
from compress.models.checkpoints.layouts import Adapted, adapted, layout_of
from compress.models.checkpoints.matching import NOT_ADAPTABLE, damage, likely_cause, misfits
from compress.models.checkpoints.pickled import FoundWeights, read_pickled
from compress.models.checkpoints.safetensors_files import is_safetensors, open_safetensors, reason_of
from compress.models.checkpoints.state_names import unwrapped
from compress.models.checkpoints.torch_file import STARTS
from compress.models.tracker import Tracker

_WHAT = "weights file"
_AGAIN = "Fetch or save it again."
_MOST_BYTES = 64 << 30


def save_weights(
    model: Tracker, path: str | Path, *, metadata: dict[str, str] | None = None, dtype: torch.dtype | None = None
) -> None:
    """Write all parameters and buffers, and the spec as metadata `spec`, whole or not at all.

    Args:
        metadata: More to keep in the file's header.
        dtype: Floating type on disk, e.g. `torch.float16`; None keeps the model's.

    Raises:
        CompressError: a weight is not finite in `dtype`; nothing is written then.
        FileError: the place cannot be written.
    """
    tensors = {key: _on_disk(value, dtype) for key, value in model.state_dict().items()}
    wrong = [key for key, value in tensors.items() if dtype is not None and not bool(value.isfinite().all())]
    if wrong:
        raise CompressError(
            f"Weights for {path} are not finite as {tensors[wrong[0]].dtype}: {shown(', '.join(wrong))}. Nothing was "
            "written. If they were trained, the training diverged: begin it again with a lower learning rate."
        )
    try:
        with writing(Path(path)) as temporary:
            save_file(tensors, temporary, metadata={"spec": model.spec.to_json(), **(metadata or {})})
    except (OSError, SafetensorError) as error:
        raise FileError(
            f"Cannot write weights to {path}: {reason_of(error)}. Free some space or choose another place."
        ) from error


def load_weights(model: Tracker, path: str | Path) -> Adapted:
    """Fill `model` from a safetensors file or a PyTorch checkpoint, in this package's layout or a project's.

    Returns:
        What was loaded, the layout it was in, and what was left out.

    Raises:
        FileError: the file is missing, damaged, dangerous, or of another tracker; nothing is loaded then.
    """
    read = find_weights(path)
    found = _adapted(model.spec, read.state, path)
    wanted = model.state_dict()
    problem = misfits(wanted, found.state)
    if problem:
        cause = likely_cause(model.spec, read.state)
        raise FileError(f"The weights in {path} do not fit this tracker: {problem}. {cause}")
    damaged = damage(model.spec, wanted, found.state)
    if damaged:
        raise FileError(f"{path} {damaged}")
    model.load_state_dict(found.state)
    return found._replace(place=read.place, others=read.others)


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file, or the weights of a PyTorch checkpoint, by the network's own names.

    What wrappers put in front of names, such as `module.`, is left out.

    Raises:
        FileError: the file is missing, damaged or something else, or a checkpoint that would run something.
    """
    return find_weights(path).state


def find_weights(path: str | Path) -> FoundWeights:
    """As `read_weights`, with where in the file they lie."""
    path = Path(path)
    with opened(path, _WHAT, _MOST_BYTES, advice="Give a .pth, .pth.tar or .safetensors file.") as file:
        head = file.read(HEAD)
        file.seek(0)
        if head.startswith(STARTS):
            found = read_pickled(path, file)
        elif is_safetensors(head):
            found = FoundWeights(_tensors(path))
        else:
            raise FileError(f"{path} is no weights file. {not_weights(head)}")
    try:
        return found._replace(state=unwrapped(found.state))
    except ValueError as error:
        raise FileError(f"{path} holds some weights twice: {error}. Give a file with one of each.") from error


def weights_key(model: Tracker) -> str:
    """A short hash of all parameters and buffers."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode() + value.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def _tensors(path: Path) -> dict[str, Tensor]:
    with open_safetensors(path, _WHAT, advice=_AGAIN) as file:
        return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)


def _adapted(spec: TrackerSpec, state: dict[str, Tensor], path: str | Path) -> Adapted:
    layout = layout_of(state)
    if layout is None:
        return Adapted(state)
    try:
        return adapted(layout, state, spec)
    except NOT_ADAPTABLE as error:
        reason = error.args[0] if isinstance(error, KeyError) else error  # the text of a KeyError is in quotes
        raise FileError(
            f"{path} is a checkpoint of {layout.name}, but incomplete or of another tracker "
            f"({printable(reason, most=200)}). {likely_cause(spec, state)}"
        ) from error


def _on_disk(value: Tensor, dtype: torch.dtype | None) -> Tensor:
    value = value.detach().cpu().contiguous()
    return value.to(dtype) if dtype is not None and value.is_floating_point() else value
