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

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable
from collections.abc import Sequence as Items
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

from compress.core import UsageError, fingerprint
from compress.data.file_fingerprints import recorded_fingerprint
from compress.data.index import IndexedSequence, IndexedSequences, SequenceIndex
from compress.data.index_store import MANY, source_index
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
        first_pixel: What the data set's own files call the first pixel of a row, where boxes here begin at 0.
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
    first_pixel: ClassVar[int] = 0
    layout: ClassVar[str] = "see docs/data.md"

    def __init__(self, location: str) -> None:
        path, split = split_location(location, self.splits, self._prefix)
        if not path:
            raise no_path(self.form, self._prefix)
        self.path = Path(os.path.realpath(path))  # which takes links in a circle, unlike `Path.resolve`
        self.split = split or next(iter(self.splits), "")
        self._split_given = bool(split)
        self._index: SequenceIndex | None = None

    @abstractmethod
    def listed(self) -> Iterable[SequenceFiles]:
        """Where each sequence of the split lies, in an order that names alone decide.

        Cheap: list files and folders are read, but no image is opened and no annotation parsed. Where that cannot be,
        as where one file lists everything, override `watched` too; and where there are hundreds of thousands, give a
        sequence that makes each when it is asked for.

        Raises:
            FileError: a folder or list file is missing or damaged.
        """

    @abstractmethod
    def opened(self, files: SequenceFiles) -> Sequence:
        """One of them. Its frames should be listed and its annotations parsed when they are first asked for."""

    def watched(self) -> Iterable[Path | str]:
        """Files and folders whose names, sizes and times say whether an index is still that of the data.

        By default all that are listed. Asked for whenever a source is opened, so cheap.
        """
        return (path for files in self.files for path in (files.images, *files.annotations))

    @cached_property
    def fingerprint(self) -> str:
        """Of names, frames, boxes and labels, wherever the data lies.

        Up to 1,000 sequences every frame counts by name and size, and up to 100,000 frames by content. Of more
        sequences, annotations count whole, frames by name, and 10,000 of them, evenly, by size and content when the
        index is made: edits of frames in place are seen in those alone, and by another index.
        """
        content = recorded_fingerprint(self.files) if len(self.index) <= MANY else self.index.content
        # The same files read with another first pixel have other boxes.
        return fingerprint([content, self.first_pixel]) if self.first_pixel else content

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
        found = self._all
        if length is None and not (keep and split == "validation"):
            return list(found)
        kept = _bytes(found, length) <= _KEPT_BYTES
        return [CachedSequence(sequence, length, keep=kept) for sequence in found]

    def pairs(self, seed: int, index: int, count: int, sizes: PairSizes) -> Pairs:
        """See `DataSource`."""
        return recorded_pairs(self._drawn, seed, index, count, sizes)

    def with_images(self, folder: str) -> DataSource:
        """See `DataSource`; always refused, since recorded frames have their own texture.

        Raises:
            UsageError: always.
        """
        raise UsageError(
            f"--images {folder} is texture for generated pairs, but {self.name} is recorded. Leave --images out."
        )

    @cached_property
    def files(self) -> Items[SequenceFiles]:
        """What `listed` found.

        Raises:
            FileError: nothing; or see `listed`.
        """
        found = self.listed()
        found = found if isinstance(found, Items) else list(found)
        if not found:
            raise none_found(self.path, self.layout, self.split)
        return found

    @property
    def index(self) -> SequenceIndex:
        """What annotations say of all sequences, and what is wrong with them; see `source_index`."""
        return self.make_index()

    def make_index(self, workers: int | None = None) -> SequenceIndex:
        """`index`, made by so many processes where there is none yet; see `source_index`."""
        if self._index is None:
            self._index = source_index(self, workers)
        return self._index

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.name.partition(":")[2],)

    @cached_property
    def _all(self) -> list[Sequence]:
        """Every sequence, for good."""
        self.index.check()
        return [IndexedSequence(self.index, number, self.opened) for number in range(len(self.index))]

    @cached_property
    def _drawn(self) -> Items[Sequence]:
        """Every sequence, made when it is drawn."""
        self.index.check()
        return IndexedSequences(self.index, self.opened)

    @property
    def _prefix(self) -> str:
        return self.form.partition(":")[0]


def _bytes(sequences: list[Sequence], length: int | None) -> int:
    """Bytes of the first `length` frames of all sequences, if each is as large as the very first frame."""
    frames = sum(len(sequence) if length is None else min(length, len(sequence)) for sequence in sequences)
    return frames * int(sequences[0].frame(0).nbytes) if frames else 0
