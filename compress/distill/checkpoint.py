"""The state of a training in one file: tensors as safetensors, the rest as JSON in its header. No pickle."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from compress.core import FileError
from compress.core.plain import from_plain
from compress.core.plain_files import parse_json
from compress.core.plain_values import shown
from compress.core.writing import writing
from compress.models.checkpoints.safetensors_files import open_safetensors, reason_of

_FORMAT = "compress-training"
_VERSION = 2
_ANEW = "Remove it to train from the start."

_FIRST_S, _SHARE, _COST = 1.0, 0.1, 0.05
"""Of `SaveTimes`: seconds until the first save, the share of the time that may be lost, and that saving may take."""


@dataclass(frozen=True)
class Checkpoint:
    """Where a training keeps its state, so that a stopped one continues.

    Attributes:
        path: A file that ends in `.safetensors`; read when the training begins, if it is there.
        every_s: The most seconds between two saves; fewer while the training is young, see `SaveTimes`. The end is
            saved too, and the step in which Ctrl-C or SIGTERM comes.
        anew: Begin from the start where the file is damaged or of another training, rather than refuse it.
    """

    path: Path
    every_s: float = 60.0
    anew: bool = False


class SaveTimes:
    """When a training saves its state.

    A second after it has begun, then whenever a tenth of the time since then would be lost, and at least every
    `every_s`: one that is killed soon and often still comes to its end. A save that takes long comes less often, so
    that saving takes about a twentieth of the time at most, as far as `every_s` allows.

    Args:
        clock: Seconds; for tests.
    """

    def __init__(self, every_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._every, self._clock = every_s, clock
        self._begin = self._last = clock()
        self._took = 0.0

    @property
    def due(self) -> bool:
        """Whether it is time to save."""
        now = self._clock()
        wait = max(_FIRST_S, _SHARE * (now - self._begin), self._took / _COST)
        return now - self._last >= min(self._every, wait)

    @contextmanager
    def saving(self) -> Iterator[None]:
        """Around each save."""
        begin = self._clock()
        yield
        self._last = self._clock()
        self._took = self._last - begin


@dataclass(frozen=True)
class Reached:
    """How far a training is.

    Attributes:
        step: Steps done.
        count: Those of them since the last report.
        sums: Of each part of the loss over these, so that the next report is the one that would have come anyway.
    """

    step: int
    count: int = 0
    sums: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Header:
    format: str
    version: int
    step: int
    settings: dict[str, Any]
    count: int = 0
    sums: dict[str, float] = field(default_factory=dict)

    def problems(self) -> list[str]:
        wanted = self.format == _FORMAT and self.version == _VERSION
        found = [] if wanted else [f"version must be {_VERSION} of {_FORMAT} but is {self.version} of {self.format!r}"]
        if self.step < 0:
            found.append(f"step must be 0 or more but is {self.step}")
        elif not 0 <= self.count <= self.step or bool(self.count) != bool(self.sums):
            found.append(f"count must be from 0 to {self.step}, with sums unless it is 0, but is {self.count}")
        return found


def save_state(path: Path, reached: Reached, settings: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Write the state, whole or not at all.

    Args:
        reached: The steps it is the state after.
        settings: What the training depends on, as plain data.
        tensors: Any, by name; no two may share memory.

    Raises:
        FileError: it cannot be written; an older state stays.
    """
    header = {"format": _FORMAT, "version": _VERSION, "settings": dict(settings), **vars(reached)}
    kept = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        with writing(path) as temporary:
            save_file(kept, temporary, metadata={_FORMAT: json.dumps(header)})
    except (OSError, SafetensorError) as error:
        raise FileError(
            f"The state of a training cannot be written to {path} ({reason_of(error)}). Free some space; the same "
            "command continues from the last state that was."
        ) from error


def read_state(
    path: Path, settings: Mapping[str, Any], required: Mapping[str, Tensor], optional: Mapping[str, Tensor]
) -> tuple[Reached, dict[str, Tensor]]:
    """Inverse of `save_state`; the file is checked before any of it is used.

    Args:
        settings: Of the training that is to continue.
        required, optional: Tensors of the names, shapes and types that the file must and may have.

    Raises:
        FileError: the file is damaged, is something else, or belongs to a training with other settings.
    """
    with open_safetensors(path, "state of a training", advice=_ANEW) as file:
        text = (file.metadata() or {}).get(_FORMAT, "null")
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    found = _parsed(text, path)
    _check_settings(path, found.settings, settings)
    known = {**required, **optional}
    bad = [name for name in required if name not in tensors]
    bad += [name for name, each in tensors.items() if not (name in known and _alike(each, known[name]))]
    if bad:
        raise FileError(f"{path} lacks tensors of this training, or has others: {shown(', '.join(bad))}. {_ANEW}")
    wrong = [name for name, each in tensors.items() if not bool(each.isfinite().all())]
    if wrong:
        raise FileError(f"{path} is damaged: {shown(', '.join(wrong))} are not finite. {_ANEW}")
    steps = settings.get("steps")
    if isinstance(steps, int) and found.step > steps:
        raise FileError(f"{path} is damaged: it has done {found.step} of {steps} steps. {_ANEW}")
    return Reached(found.step, found.count, found.sums), tensors


def _parsed(text: str, path: Path) -> _Header:
    try:
        return from_plain(_Header, parse_json(text), "its header", error=FileError)
    except (ValueError, RecursionError, FileError) as error:
        reason = str(error).rstrip(".")
        raise FileError(f"{path} is not the state of a training, or is damaged ({reason}). {_ANEW}") from None


def _check_settings(path: Path, theirs: Mapping[str, Any], mine: Mapping[str, Any]) -> None:
    other = [name for name in {**mine, **theirs} if theirs.get(name) != mine.get(name)]
    if other:
        words = (f"{shown(name)} is {shown(theirs.get(name))} there, {shown(mine.get(name))} here" for name in other)
        raise FileError(
            f"{path} belongs to a training with other settings: {'; '.join(words)}. Give the same settings to "
            "continue it, or another folder."
        )


def _alike(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype
