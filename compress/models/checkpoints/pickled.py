"""Official PyTorch checkpoints, read without running anything they hold.

The published files pickle objects of the training code beside the weights. PyTorch's own restricted unpickler reads
them; each class it does not know is handed an inert stand-in, and a file that names a function of Python itself is
refused.
"""

from __future__ import annotations

import pickle
import re
import sys
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from compress.core import FileError

_WEIGHTS = ("net", "state_dict", "model")
"""Where trainers put the weights: OSTrack, LiteTrack and MixFormer `net`; others the usual names."""

_PREFIX = "module."

_NUMBERS = ("numpy.dtype", "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")
"""What a numpy number in the training statistics is pickled as; stand-ins do for those too."""


class _Inert:
    """Takes any arguments and any state, and does nothing."""

    def __new__(cls, *_: Any, **__: Any) -> _Inert:
        return object.__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __setstate__(self, _: Any) -> None:
        pass


def read_pickled(path: Path) -> dict[str, Tensor]:
    """The weights of a `.pth` or `.pth.tar` file: its `net`, `state_dict` or `model`, or the file itself.

    A `module.` prefix that every key has is dropped.

    Raises:
        FileError: the file is damaged, holds no weights, or tries to run something.
    """
    state = _weights_in(_load(path), path)
    if all(key.startswith(_PREFIX) for key in state):
        state = {key.removeprefix(_PREFIX): value for key, value in state.items()}
    return state


def _load(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            foreign = torch.serialization.get_unsafe_globals_in_checkpoint(file)
    except (ValueError, RuntimeError, OSError, EOFError, pickle.UnpicklingError):
        foreign = []  # the format of before 2020, or no checkpoint at all: the loader below finds out
    _refuse_functions(foreign, path)
    stand_ins: list[Any] = [(type(name.rsplit(".", 1)[-1], (_Inert,), {}), name) for name in foreign]
    try:
        with torch.serialization.safe_globals(stand_ins), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on pickle protocols other than torch's own, which read well
            # As a stream: of a path torch would believe the suffix.
            with path.open("rb") as file:
                return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        # Not torch's message, which recommends to open the file all the same.
        named = re.search(r"GLOBAL ([\w.]+)", str(error))
        raise FileError(
            f"{path} asks for more than weights when it is opened{f' ({named[1]})' if named else ''}, so it was not. "
            "Get the file from its authors, or save its state dict with safetensors.torch.save_file."
        ) from error
    except (RuntimeError, OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = _first_sentence(error)
        raise FileError(f"{path} is not a whole PyTorch checkpoint ({reason}). Fetch it again.") from error


def _refuse_functions(names: list[str], path: Path) -> None:
    """Only classes of foreign code get a stand-in; a function of Python or PyTorch is refused."""
    known = [name for name in names if name.split(".")[0] in {*sys.stdlib_module_names, "torch", "numpy"}]
    known = [name for name in known if name not in _NUMBERS]
    if known:
        raise FileError(
            f"{path} would run {', '.join(sorted(known))} when opened, so it was not opened. Weights need nothing "
            "of the kind: get the file from its authors, and trust no copy that asks for this."
        )


def _weights_in(data: Any, path: Path) -> dict[str, Tensor]:
    places = [data] + [data[name] for name in _WEIGHTS if isinstance(data, dict) and name in data]
    for place in reversed(places):
        if isinstance(place, dict) and place and all(isinstance(value, Tensor) for value in place.values()):
            return {str(key): value for key, value in place.items()}
    found = ", ".join(map(str, data)) if isinstance(data, dict) else type(data).__name__
    raise FileError(
        f"{path} holds no weights: none of {', '.join(_WEIGHTS)} in it is a state dict (it holds {found}). "
        "Give a checkpoint file of the tracker."
    )


def _first_sentence(error: Exception) -> str:
    return str(error).strip().split(". ")[0].split("\n")[0] or type(error).__name__
