"""Making an index: each sequence is opened once, looked at, and noted down, with what is wrong with it."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from compress.core import FileError
from compress.data.file_fingerprints import sampled_digest
from compress.data.index import FATAL, Opener, SequenceIndex, row_of
from compress.data.recorded_sequence import Annotated, Annotations, SequenceFiles, check_annotations
from compress.data.sequence import attributes_of, first_only
from compress.geometry import ImageFiles, NumberedNames, Pictures, image_size

_SHOWN = 10
"""Problems of one kind that are noted of a sequence."""
_LINE = re.compile(r"\bline (\d+)\b")


@dataclass
class IndexRows:
    """Rows of an index as they are made."""

    boxes: list[NDArray[np.float64]] = field(default_factory=list)
    visible: list[NDArray[np.bool_]] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    faults: list[int] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)
    rows: list[bytes] = field(default_factory=list)

    def add(self, files: SequenceFiles, opened: Opener, *, samples: int, look: bool) -> None:
        """Open a sequence; what is wrong with it is noted.

        Args:
            samples: How many of its frames are part of its digest by content.
            look: Whether its first frame is looked at.
        """
        seen = _Seen(files)
        seen.look(opened, samples, look)
        self.boxes.append(np.asarray(seen.boxes, dtype=np.float64))
        self.visible.append(np.asarray(seen.visible, dtype=bool))
        self.sizes.append(seen.size)
        self.faults.append(max((FATAL if fatal else 1 for _, _, fatal in seen.problems), default=0))
        self.digests.append(
            hashlib.sha256(f"{files.name!r} {files.first} {files.stop} {seen.digest}".encode()).digest()
        )
        about = {"attributes": sorted(seen.attributes), "first_only": seen.first_only}
        self.rows.append(row_of(files, seen.numbered, **about, problems=seen.problems))

    def index(self) -> SequenceIndex:
        """The index of the rows."""
        return SequenceIndex(
            np.concatenate([np.zeros((0, 4)), *self.boxes]),
            np.concatenate([np.zeros(0, dtype=bool), *self.visible]),
            _offsets(map(len, self.boxes)),
            np.array(self.sizes, dtype=np.int32).reshape(-1, 2),
            np.array(self.faults, dtype=np.uint8),
            np.frombuffer(b"".join(self.digests), dtype=np.uint8).reshape(-1, 32),
            np.frombuffer(b"".join(self.rows), dtype=np.uint8),
            _offsets(map(len, self.rows)),
        )


def joined(parts: list[SequenceIndex]) -> SequenceIndex:
    """Indexes of consecutive sequences as one."""
    return SequenceIndex(
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.visible for part in parts]),
        _offsets(np.concatenate([np.diff(part.offsets) for part in parts])),
        np.concatenate([part.sizes for part in parts]),
        np.concatenate([part.faults for part in parts]),
        np.concatenate([part.digests for part in parts]),
        np.concatenate([part.rows for part in parts]),
        _offsets(np.concatenate([np.diff(part.row_offsets) for part in parts])),
    )


def _offsets(lengths: Iterable[int]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(np.fromiter(lengths, np.int64))]).astype(np.int64)


class _Seen:
    """What is found out about one sequence."""

    def __init__(self, files: SequenceFiles) -> None:
        self.files = files
        self.boxes: NDArray[np.float64] = np.array(files.boxes, dtype=np.float64).reshape(-1, 4)
        self.visible: NDArray[np.bool_] = np.asarray((self.boxes[:, 2:] > 0).all(axis=1))
        self.attributes: frozenset[str] = frozenset()
        self.first_only, self.size, self.digest = False, (0, 0), ""
        self.numbered: NumberedNames | None = None
        self.annotations = Annotations(self.boxes, self.visible)
        self.problems: list[tuple[int | None, str, bool]] = []

    def look(self, opened: Opener, samples: int, look: bool) -> None:
        """Open it, check it, and take its digest. Never raises FileError: that is a problem, noted."""
        names: Sequence[str] = ()
        try:
            sequence = opened(self.files)
            images = getattr(sequence, "images", None)
            if isinstance(images, Pictures):
                names = images.files.names if isinstance(images.files, ImageFiles) else [p.name for p in images.files]
                if self._are_all(images):
                    self.numbered = NumberedNames.of(names)
                if look:
                    self._look_at_first(images)
            if not self.files.boxes:
                self._take(sequence)
            check_annotations(self.files, self.annotations, len(sequence))
        except FileError as error:
            self._note(str(error), fatal=True)
        self._check_boxes()
        try:
            self.digest = sampled_digest(self.files, names, samples)
        except FileError as error:
            self._note(str(error), fatal=True)

    def _are_all(self, images: Pictures) -> bool:
        """Whether these are all files of the folder that is to be listed."""
        whole = self.files.first == 0 and self.files.stop is None
        return whole and isinstance(images.files, ImageFiles) and images.files.folder == self.files.images

    def _take(self, sequence: object) -> None:
        self.boxes, self.visible = sequence.boxes, sequence.visible  # type: ignore[attr-defined]
        self.attributes, self.first_only = attributes_of(sequence), first_only(sequence)  # type: ignore[arg-type]
        known = isinstance(sequence, Annotated)
        self.annotations = sequence.annotations if known else Annotations(self.boxes, self.visible)  # type: ignore[attr-defined]
        self._note_frames(self.annotations.doubtful, "the object is marked as visible but its box has no area")

    def _look_at_first(self, images: Pictures) -> None:
        try:
            self.size = image_size(images.files[0])
        except FileError as error:
            self._note(f"The first frame cannot be read: {error}", fatal=True)

    def _check_boxes(self) -> None:
        if not self.size[0] or not len(self.boxes):
            return
        width, height = self.size
        x, y, w, h = self.boxes.T
        outside = (x + w <= 0) | (y + h <= 0) | (x >= width) | (y >= height)
        self._note_frames(np.flatnonzero(outside & self.visible), f"the box is outside of the {width}x{height} frame")

    def _note_frames(self, frames: Iterable[int], text: str) -> None:
        found = [int(frame) for frame in frames]
        for place, frame in enumerate(found[:_SHOWN]):
            more = f"; likewise {len(found) - _SHOWN} more" if place == _SHOWN - 1 and len(found) > _SHOWN else ""
            line = self.annotations.line(frame)
            self.problems.append((None if self.files.place else line, f"{self.files.line(line)}: {text}{more}.", False))

    def _note(self, text: str, *, fatal: bool) -> None:
        line = _LINE.search(text.replace(os.fspath(self.files.images), ""))
        self.problems.append((int(line[1]) if line else None, text[:2000], fatal))
