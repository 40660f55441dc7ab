"""What students are scored on: full test sequences at full fidelity, short validation ones before."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from compress.core import TrackerSpec
from compress.data import Sequence, load_sequences
from compress.data.generated import generated_sequences
from compress.distill import pool_bytes
from compress.driver.students import Rung

Scored = tuple[list[Sequence], list[Sequence]]
"""(short, full): what the lower rungs and what full fidelity are scored on."""

_SHORT = 30
"""Frames of a sequence that the lower rungs see."""


class CachedSequence:
    """A sequence whose first `length` frames are drawn or read once and kept."""

    def __init__(self, sequence: Sequence, length: int | None = None) -> None:
        self._sequence = sequence
        self._length = len(sequence) if length is None else min(length, len(sequence))
        self.name = sequence.name if self._length == len(sequence) else f"{sequence.name}[:{self._length}]"
        self._frame = lru_cache(maxsize=None)(sequence.frame)

    def __len__(self) -> int:
        return self._length

    def frame(self, index: int) -> NDArray[np.uint8]:
        return self._frame(index)

    @property
    def boxes(self) -> NDArray[np.float64]:
        return self._sequence.boxes[: self._length]

    @property
    def visible(self) -> NDArray[np.bool_]:
        return self._sequence.visible[: self._length]


def evaluation_sequences(data: str) -> Scored:
    """The sequences that students are scored on.

    Of generated data the lower rungs see the validation split, so that the choice of what to promote leaves the test
    split alone; the user's images are for training only, so that scores compare. A folder's sequences serve both, the
    lower rungs seeing their first frames.

    Raises:
        UsageError, FileError: as `load_sequences`.
    """
    if data == "generated":
        short = [CachedSequence(s) for s in generated_sequences(split="validation", per_difficulty=1, length=_SHORT)]
        return list(short), [CachedSequence(s) for s in load_sequences(data)]
    full = load_sequences(data)
    return [CachedSequence(s, _SHORT) for s in full], list(full)


def check_training_data(source: str) -> None:
    """Raises what is wrong with a source of training pairs, before anything is made of it."""
    if source != "generated":
        load_sequences(source)


def pool_size(teacher: TrackerSpec, draws: int) -> int:
    """Pairs to distil on by default: 8192, or fewer where `draws` are fewer or their memory would pass 1.25 GB."""
    return max(64, min(8192, draws, 1_250_000_000 // pool_bytes(teacher)))


def rungs_of(sequences: Scored, *, steps: int, partial: float) -> list[Rung]:
    """Zero-shot, partial, full: `rung-0`, `rung-1`, `full`; `steps` in all."""
    short, full = sequences
    first = max(1, round(steps * partial))
    return [Rung("rung-0", 0, short), Rung("rung-1", first, short), Rung("full", max(1, steps - first), full)]
