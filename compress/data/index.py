"""The index of a source: what its annotations say of every sequence, as arrays that stay in a file.

Ten thousand sequences are neither opened nor held in memory for drawing pairs of them: boxes and visibility are mapped
from the file of the index, and of a sequence that is drawn only frames are read; its folder is listed only where their
names do not count on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from collections.abc import Sequence as Items
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from compress.core import FileError
from compress.data.recorded_sequence import SequenceFiles
from compress.data.sequence import Sequence
from compress.geometry import NumberedNames, Pictures

_OPENED = 64
"""Sequences that a process keeps opened for pairs; the names of the frames of a long one take 1 MB."""

FATAL = 2
"""Of `SequenceIndex.faults`: the sequence cannot be used."""

Opener = Callable[[SequenceFiles], Sequence]


class Problem(NamedTuple):
    """What is wrong with a sequence.

    Attributes:
        line: Of its annotation file, from 1; None where it is about no line, or where one file lists all sequences, as
            COCO's does: the text names the entry then.
        fatal: The sequence cannot be used, so that a search or evaluation refuses the source.
    """

    sequence: str
    line: int | None
    text: str
    fatal: bool


@dataclass(frozen=True, eq=False)
class SequenceIndex:
    """All sequences of a source, without their frames.

    Attributes:
        boxes: (F, 4) float64 x, y, w, h of the frames of all sequences, one after another; zeros where unknown.
        visible: (F,) whether the object shows.
        offsets: (n + 1,) where the frames of each sequence begin, and where the last ones end.
        sizes: (n, 2) width and height of each first frame; 0 where it was not looked at.
        faults: (n,) 0 where nothing is wrong with a sequence, 1 where something is, 2 where it cannot be used.
        digests: (n, 32) SHA-256 of name, annotations, names of frames and a sample of their content.
        rows: (bytes,) the rest of each sequence as JSON, UTF-8.
        row_offsets: (n + 1,) where that begins and ends.
    """

    boxes: NDArray[np.float64]
    visible: NDArray[np.bool_]
    offsets: NDArray[np.int64]
    sizes: NDArray[np.int32]
    faults: NDArray[np.uint8]
    digests: NDArray[np.uint8]
    rows: NDArray[np.uint8]
    row_offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.sizes)

    def row(self, number: int) -> dict[str, Any]:
        """What `row_of` said of a sequence."""
        found: dict[str, Any] = json.loads(bytes(self.rows[self.row_offsets[number] : self.row_offsets[number + 1]]))
        return found

    def frames(self, number: int) -> slice:
        """Where the frames of a sequence are in `boxes` and `visible`."""
        return slice(int(self.offsets[number]), int(self.offsets[number + 1]))

    @property
    def problems(self) -> Iterator[Problem]:
        """What was found wrong, sequence by sequence."""
        for number in np.flatnonzero(self.faults):
            row = self.row(int(number))
            for line, text, fatal in row["problems"]:
                yield Problem(row["name"], line, text, fatal)

    def check(self) -> None:
        """Raises FileError where a sequence cannot be used, naming the first of them."""
        if count := int(np.count_nonzero(self.faults == FATAL)):
            text = next(problem.text for problem in self.problems if problem.fatal)
            more = f" Likewise {count - 1} more: `compress data` lists all." if count > 1 else ""
            raise FileError(text + more)

    @property
    def content(self) -> str:
        """Digest of all sequences: 64 hexadecimal digits."""
        return hashlib.sha256(self.digests.tobytes()).hexdigest()


def row_of(files: SequenceFiles, numbered: NumberedNames | None, **more: Any) -> bytes:
    """A sequence as a row of an index: where its files lie, and `more` plain values; see `SequenceIndex.row`.

    Args:
        numbered: The names of all its frames, where they count on; its folder need not be listed again then.
    """
    about: dict[str, Any] = {
        "name": files.name,
        "images": str(files.images),
        "annotations": [str(path) for path in files.annotations],
    }
    about |= {"frames": files.frames, "first": files.first, "stop": files.stop, "inline": bool(files.boxes)}
    about["numbered"] = None if numbered is None else asdict(numbered)
    return json.dumps(about | more, separators=(",", ":")).encode()


class IndexedSequence:
    """A `Sequence` with boxes and visibility from the index; its frames come from the reader that opens it.

    Args:
        opened: See `RecordedSource.opened`.
    """

    def __init__(self, index: SequenceIndex, number: int, opened: Opener) -> None:
        row, frames = index.row(number), index.frames(number)
        self.name: str = row["name"]
        self.boxes: NDArray[np.float64] = index.boxes[frames]
        self.visible: NDArray[np.bool_] = index.visible[frames]
        self.attributes: frozenset[str] = frozenset(row["attributes"])
        self.first_only: bool = row["first_only"]
        names = NumberedNames(**row["numbered"]) if row["numbered"] else tuple(row["frames"])
        self.files = SequenceFiles(
            row["name"], Path(row["images"]), tuple(map(Path, row["annotations"])), names, row["first"], row["stop"]
        )
        if row["inline"]:
            self.files = replace(self.files, boxes=tuple((x, y, w, h) for x, y, w, h in self.boxes.tolist()))
        self._size = (int(index.sizes[number, 0]), int(index.sizes[number, 1]))
        self._opened = opened

    def __len__(self) -> int:
        return len(self.boxes)

    def frame(self, index: int, /) -> NDArray[np.uint8]:
        """(H, W, 3) RGB. Raises FileError where it is missing or damaged."""
        return self.sequence.frame(index)

    @property
    def images(self) -> Pictures | None:
        """The image files of its frames; None where they are no image files."""
        found = getattr(self.sequence, "images", None)
        return found if isinstance(found, Pictures) else None

    @property
    def polygons(self) -> NDArray[np.float64] | None:
        """(n, 2k) corners, of data sets whose regions are polygons. Raises FileError where they cannot be read."""
        found: NDArray[np.float64] | None = getattr(self.sequence, "polygons", None)
        return found

    @cached_property
    def sequence(self) -> Sequence:
        """The sequence as the reader opens it."""
        found = self._opened(self.files)
        images = getattr(found, "images", None)
        if isinstance(images, Pictures) and self._size[0]:
            images.expect_size(*self._size)
        return found


class IndexedSequences(Items[Sequence]):
    """The sequences of an index, each made when it is asked for; those asked for last are kept."""

    def __init__(self, index: SequenceIndex, opened: Opener) -> None:
        self._index = index
        self._get = lru_cache(_OPENED)(lambda number: IndexedSequence(index, number, opened))

    def __len__(self) -> int:
        return len(self._index)

    @overload
    def __getitem__(self, number: int) -> Sequence: ...
    @overload
    def __getitem__(self, number: slice) -> list[Sequence]: ...

    def __getitem__(self, number: int | slice) -> Sequence | list[Sequence]:
        if isinstance(number, slice):
            return [self[each] for each in range(*number.indices(len(self)))]
        if not -len(self) <= number < len(self):
            raise IndexError(f"there is no sequence {number} of {len(self)}")
        return self._get(number % len(self))
