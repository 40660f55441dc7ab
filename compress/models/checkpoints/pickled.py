"""PyTorch checkpoints, read as data: of what lies beside the weights, nothing is made, called or run."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from torch import Tensor

from compress.core import FileError
from compress.core.text import printable
from compress.models.checkpoints.pickle_names import running
from compress.models.checkpoints.pickle_values import Made, Named, mapping_of
from compress.models.checkpoints.torch_file import open_torch, read_tensors
from compress.models.checkpoints.torch_legacy import TorchLegacy
from compress.models.checkpoints.torch_tensors import tensor_in
from compress.models.checkpoints.torch_zip import OtherArchive

_PLACES = (
    *("net", "state_dict", "model", "model_state_dict", "module", "network", "weights", "params"),
    *("ema", "model_ema", "ema_model", "state_dict_ema", "ema_state_dict", "params_ema"),
)
"""Where trainers put the weights; averages of them last, since the trainers' own evaluation does not load those."""

_DEPTH = 3
_SHOWN = 6
_DAMAGE = (ValueError, OSError, EOFError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What damaged files raise; NotImplementedError, of what `zipfile` cannot unpack, is a RuntimeError."""


class FoundWeights(NamedTuple):
    """Tensors of a file.

    Attributes:
        place: Where in the file they lie, such as `net`; empty where it holds nothing else.
        others: Other places that hold weights, which were not read.
        left: Names in `place` of what is no tensor.
    """

    state: dict[str, Tensor]
    place: str = ""
    others: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def read_pickled(path: Path, file: BinaryIO) -> FoundWeights:
    """The weights of a `.pth` or `.pth.tar` file: the first of the usual places that holds a state dict.

    Args:
        path: For messages.
        file: At its beginning.

    Raises:
        FileError: it is damaged, holds no weights, or would run something if it were opened otherwise.
    """
    try:
        return _read(path, file)
    except OtherArchive as error:
        raise FileError(f"{path} is no PyTorch checkpoint but {error}.") from error
    except _DAMAGE as error:
        raise FileError(f"{path} is not a whole PyTorch checkpoint: {_reason(error)}. Fetch it again.") from error


def _read(path: Path, file: BinaryIO) -> FoundWeights:
    opened = open_torch(file)
    pickled = opened.pickled()
    _refuse_running(running(pickled.names), path)
    if isinstance(opened, TorchLegacy) and not opened.known:
        raise _no_weights(f"is a Python pickle that torch.save did not write: it holds {_shown(pickled.data)}", path)
    places = list(_places(pickled.data, "", set()))
    if not places:
        raise _no_weights(f"holds no weights: {_shown(pickled.data)}", path)
    place, values = places[0]
    tensors = {key: tensor for key, value in values.items() if (tensor := tensor_in(value)) is not None}
    state = read_tensors(opened, tensors, path, os.fstat(file.fileno()).st_size)
    return FoundWeights(state, place, tuple(name for name, _ in places[1:]), tuple(values.keys() - tensors.keys()))


def _refuse_running(names: list[str], path: Path) -> None:
    if names:
        more = f" and {len(names) - _SHOWN} more" if names[_SHOWN:] else ""
        raise FileError(
            f"{path} would run {', '.join(printable(name, most=80) for name in names[:_SHOWN])}{more} when opened, so "
            "it was not opened. Weights need nothing of the kind: get the file from its authors, and trust no copy "
            "that asks for this."
        )


def _places(data: Any, place: str, seen: set[int]) -> Iterator[tuple[str, dict[str, Any]]]:
    """State dicts in the usual places of `data`, or `data` itself where it is one; each once."""
    if id(data) in seen or place.count(".") >= _DEPTH:
        return
    seen.add(id(data))
    values, found = mapping_of(data), False
    for name in _PLACES:
        for each in _places(values.get(name), f"{place}.{name}".lstrip("."), seen):
            found = True
            yield each
    if not found and any(tensor_in(value) is not None for value in values.values()):
        yield place, values


def _no_weights(what: str, path: Path) -> FileError:
    return FileError(
        f"{path} {what}. Wanted is a state dict, names with tensors of floating point, itself or under one of "
        f"{', '.join(_PLACES[:4])}. Give such a checkpoint of the tracker; of a whole model or of NumPy's arrays, have "
        "its authors save one."
    )


def _shown(data: Any) -> str:
    """What a pickle holds, in a few words."""
    values = mapping_of(data)
    if not values:
        return _kind(data)
    names = [f"{printable(key, most=40)} ({_kind(value)})" for key, value in list(values.items())[:_SHOWN]]
    return ", ".join([*names, *([f"{len(values) - _SHOWN} more"] if len(values) > _SHOWN else [])])


def _kind(value: Any) -> str:
    if tensor_in(value) is not None:
        return "a tensor"
    if isinstance(value, Made):
        return f"an object of {printable(_class_of(value) or 'no name', most=80)}"
    if isinstance(value, dict) and value:
        first = next(iter(value.values()))
        return f"a dict of {len(value)}" + (f", the first {_kind(first)}" if isinstance(first, Made) else "")
    if isinstance(value, dict | list | tuple):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a value of type {type(value).__name__}"


def _class_of(value: Made) -> str:
    """Its first argument where that is a class: what makes NumPy's arrays, and old objects, is a function."""
    first = value.arguments[0] if isinstance(value.arguments, tuple) and value.arguments else None
    return first.name if isinstance(first, Named) else value.name


def _reason(error: Exception) -> str:
    text = str(error).strip().split("\n")[0].rstrip(".")
    return printable(text or type(error).__name__, most=300)
