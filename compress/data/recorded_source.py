"""What all readers of recorded sequences have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from compress.core import UsageError
from compress.data.pairs import Pairs, PairSizes, recorded_pairs
from compress.data.sequence import CachedSequence, Sequence
from compress.data.sources import DataSource, Split

_SHORT = 30
"""Frames of a sequence that the lower rungs of a search see."""
_KEPT_BYTES = 1_000_000_000
"""Frames of a source are kept in memory up to this total."""


class RecordedSource(ABC):
    """A `DataSource` of sequences that lie in files; a reader says how these are read, and what is in them.

    Its sequences serve every split, the lower rungs seeing the first 30 frames of each.

    Args:
        location: What a user wrote after the prefix: a path.

    Raises:
        UsageError: no path.
    """

    form: ClassVar[str]
    summary: ClassVar[str]

    def __init__(self, location: str) -> None:
        if not location:
            raise UsageError(f"Data must be {self.form!r}, with a path, but {self._prefix + ':'!r} came.")
        self.path = Path(location).resolve()

    @abstractmethod
    def read(self) -> list[Sequence]:
        """All sequences, in an order that content alone decides.

        Raises:
            FileError: something is missing or damaged.
        """

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """See `DataSource`; `compress.data.file_fingerprints` has what files need."""

    @property
    def name(self) -> str:
        """The prefix and the absolute path."""
        return f"{self._prefix}:{self.path}"

    def sequences(self, split: Split = "test", *, keep: bool = False) -> list[Sequence]:
        """See `DataSource`. Frames are kept where those of all sequences together take at most 1 GB."""
        length = _SHORT if split == "short" else None
        if length is None and not (keep and split == "validation"):
            return list(self._sequences)
        kept = self._bytes(length) <= _KEPT_BYTES
        return [CachedSequence(sequence, length, keep=kept) for sequence in self._sequences]

    def pairs(self, seed: int, index: int, count: int, sizes: PairSizes) -> Pairs:
        """See `DataSource`."""
        return recorded_pairs(self._sequences, seed, index, count, sizes)

    def with_images(self, folder: str) -> DataSource:
        """See `DataSource`; always refused, since recorded frames have their own texture.

        Raises:
            UsageError: always.
        """
        raise UsageError(
            f"--images {folder} is texture for generated pairs, but {self.name} is recorded. Leave --images out."
        )

    @cached_property
    def _sequences(self) -> list[Sequence]:
        return self.read()

    def _bytes(self, length: int | None) -> int:
        """Bytes of the first `length` frames of all sequences, if each is as large as the very first frame."""
        frames = sum(len(sequence) if length is None else min(length, len(sequence)) for sequence in self._sequences)
        return frames * int(self._sequences[0].frame(0).nbytes) if frames else 0

    @property
    def _prefix(self) -> str:
        return self.form.partition(":")[0]
