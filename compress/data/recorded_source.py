"""What all readers of recorded sequences have in common.

A reader says how its sequences are listed, which is cheap, and how one of them is opened, which is done when it is
needed:

    @READERS.register("mine")
    class Mine(RecordedSource):
        form, summary = "mine:PATH[:SPLIT]", "what the lab has recorded"
        splits, training_split = ("val", "train"), "train"

        def listed(self) -> list[SequenceFiles]:
            folders = inner_folders(self.path / self.split)
            return [SequenceFiles(each.name, each / "img", (each / "boxes.txt",)) for each in folders]

        def opened(self, files: SequenceFiles) -> Sequence:
            return RecordedSequence(files, _annotations)    # a function of the module
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Self

from compress.core import UsageError
from compress.data.file_fingerprints import recorded_fingerprint
from compress.data.listing import no_path, none_found, split_location
from compress.data.pairs import Pairs, PairSizes, recorded_pairs
from compress.data.recorded_sequence import SequenceFiles
from compress.data.sequence import CachedSequence, Sequence
from compress.data.sources import DataSource, Split

_SHORT = 30
"""Frames of a sequence that the lower rungs of a search see."""
_KEPT_BYTES = 1_000_000_000
"""Frames of a source are kept in memory up to this total."""


class RecordedSource(ABC):
    """A `DataSource` of sequences that lie in files; a reader says how these are listed and opened.

    The sequences of one split of the data set serve every purpose, the lower rungs of a search seeing the first 30
    frames of each.

    Attributes:
        form, summary: See `Reader`.
        splits: Names of the data set's own splits; empty where it has none. The first is scored on where none is given.
        training_split: What is trained on where no split is given; empty for the first.
        convention: The data set whose convention scores on it follow, such as `got10k`; empty for the default one.
        layout: What the folder must look like, for the message where no sequence is found.
        path: The absolute path.
        split: One of `splits`; empty where there are none.

    Args:
        location: What a user wrote after the prefix: `PATH`, or `PATH:SPLIT`, see `split_location`.

    Raises:
        UsageError: no path, or a split of another name.
    """

    form: ClassVar[str]
    summary: ClassVar[str]
    splits: ClassVar[tuple[str, ...]] = ()
    training_split: ClassVar[str] = ""
    convention: ClassVar[str] = ""
    layout: ClassVar[str] = "see docs/data.md"

    def __init__(self, location: str) -> None:
        path, split = split_location(location, self.splits, self._prefix)
        if not path:
            raise no_path(self.form, self._prefix)
        self.path = Path(path).resolve()
        self.split = split or next(iter(self.splits), "")
        self._split_given = bool(split)

    @abstractmethod
    def listed(self) -> Iterable[SequenceFiles]:
        """Where each sequence of the split lies, in an order that names alone decide.

        Cheap: list files and folders are read, but no image is opened and no annotation parsed.

        Raises:
            FileError: a folder or list file is missing or damaged.
        """

    @abstractmethod
    def opened(self, files: SequenceFiles) -> Sequence:
        """One of them. Its frames should be listed and its annotations parsed when they are first asked for."""

    @cached_property
    def fingerprint(self) -> str:
        """Of names, frames, boxes and labels, wherever the data lies."""
        return recorded_fingerprint(self._listed)

    @property
    def name(self) -> str:
        """The prefix, the absolute path, and the split where the data set has some."""
        return f"{self._prefix}:{self.path}" + (f":{self.split}" if self.splits else "")

    def for_training(self) -> Self:
        """What is trained on: the source itself where a split was given, else its `training_split`."""
        if self._split_given or not self.training_split:
            return self
        return type(self)(f"{self.path}:{self.training_split}")

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
    def _listed(self) -> list[SequenceFiles]:
        found = list(self.listed())
        if not found:
            raise none_found(self.path, self.layout, self.split)
        return found

    @cached_property
    def _sequences(self) -> list[Sequence]:
        found = [self.opened(files) for files in self._listed]
        for sequence in found:
            _ = sequence.boxes
        return found

    def _bytes(self, length: int | None) -> int:
        """Bytes of the first `length` frames of all sequences, if each is as large as the very first frame."""
        frames = sum(len(sequence) if length is None else min(length, len(sequence)) for sequence in self._sequences)
        return frames * int(self._sequences[0].frame(0).nbytes) if frames else 0

    @property
    def _prefix(self) -> str:
        return self.form.partition(":")[0]
