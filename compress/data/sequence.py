"""`Sequence`: one video with true boxes; what else may be known of one; and one whose frames are kept in memory."""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Sequence(Protocol):
    """One video with the true box of one object. Frames are read or drawn when asked for."""

    @property
    def name(self) -> str: ...

    @property
    def boxes(self) -> NDArray[np.float64]:
        """(n, 4) x, y, w, h in pixels."""
        ...

    @property
    def visible(self) -> NDArray[np.bool_]:
        """(n,) whether the object shows; frames where it does not are left out of the average overlap."""
        ...

    def __len__(self) -> int: ...

    def frame(self, index: int, /) -> NDArray[np.uint8]:
        """(H, W, 3) RGB."""
        ...


def attributes_of(sequence: Sequence) -> frozenset[str]:
    """Names of what is difficult in a sequence, as its data set says; empty for a sequence without."""
    found: frozenset[str] = getattr(sequence, "attributes", frozenset())
    return found


def first_only(sequence: Sequence) -> bool:
    """Whether only the first box of a sequence is known, as in test sets that a server scores."""
    return bool(getattr(sequence, "first_only", False))


class CachedSequence:
    """A sequence, or its first `length` frames.

    Args:
        length: Frames; None for all.
        keep: Each frame is drawn or read once and stays in memory; otherwise it is drawn or read on every call.
    """

    def __init__(self, sequence: Sequence, length: int | None = None, *, keep: bool = True) -> None:
        self._sequence = sequence
        self._length = len(sequence) if length is None else min(length, len(sequence))
        self.name = sequence.name if self._length == len(sequence) else f"{sequence.name}[:{self._length}]"
        self._frame = lru_cache(maxsize=None)(sequence.frame) if keep else sequence.frame

    def __len__(self) -> int:
        return self._length

    def frame(self, index: int) -> NDArray[np.uint8]:
        """(H, W, 3) RGB."""
        return self._frame(index)

    @property
    def boxes(self) -> NDArray[np.float64]:
        """(n, 4) x, y, w, h in pixels."""
        return self._sequence.boxes[: self._length]

    @property
    def visible(self) -> NDArray[np.bool_]:
        """(n,) whether the object shows."""
        return self._sequence.visible[: self._length]

    @property
    def attributes(self) -> frozenset[str]:
        """See `attributes_of`."""
        return attributes_of(self._sequence)

    @property
    def first_only(self) -> bool:
        """See `compress.data.first_only`."""
        return first_only(self._sequence)
