"""`nfs:PATH[:SPLIT]`: Need for Speed (Kiani Galoogahi et al., ICCV 2017), 100 sequences, at 240 and 30 frames a second.

As it is downloaded:

    PATH/airboard_1/30/airboard_1/00001.jpg …   the images, and PATH/airboard_1/240/airboard_1/00001.jpg …
    PATH/airboard_1/30/airboard_1.txt           the annotation, and PATH/airboard_1/240/airboard_1.txt

    0 520 260 564 369 1 0 0 1 "person"          a line: track, left, top, right, bottom, number of the frame, lost,
                                                occluded, generated, label; separated by spaces

or as PyTracking packs it, of 30 frames per second only:

    PATH/sequences/airboard_1/00001.jpg …
    PATH/anno/nfs_airboard_1.txt                x,y,w,h a line, separated by tabs or commas

- Splits: `30` (the default, which is what most papers show) and `240`.
- The annotation of 30 frames per second is that of 240: of each eight lines, the first is that of a frame. Where a line
  is missing at the end, the last frame has no box; a line too many is left out. The GOT-10k toolkit does both, too.
- Coordinates are taken as they are. A frame with `lost` set is invisible, an occluded one is not. No attributes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from compress.core import FileError
from compress.core.text import printable
from compress.data.annotation_text import FARTHEST, read_rows
from compress.data.annotations import read_boxes
from compress.data.listing import inner_folders
from compress.data.recorded_sequence import Annotations, RecordedSequence, SequenceFiles
from compress.data.recorded_source import RecordedSource
from compress.data.sequence import Sequence
from compress.data.sources import READERS

_STEP = 8
"""Frames at 240 per second for one at 30."""
_PREFIX = "nfs_"


@READERS.register("nfs")
class NfsSource(RecordedSource):
    """Sequences of Need for Speed; see the module."""

    form = "nfs:PATH[:SPLIT]"
    summary = "Need for Speed, at 30 frames per second or 240 by the split 240"
    splits = ("30", "240")
    convention = "otb"
    layout = "PATH/NAME/30/NAME/00001.jpg and PATH/NAME/30/NAME.txt, or PATH/sequences/NAME and PATH/anno/nfs_NAME.txt"

    def listed(self) -> list[SequenceFiles]:
        """In the order of names."""
        return list(self._packed() if (self.path / "anno").is_dir() else self._downloaded())

    def opened(self, files: SequenceFiles) -> Sequence:
        """One of them."""
        return RecordedSequence(files, nfs_annotations)

    def _downloaded(self) -> Iterable[SequenceFiles]:
        for folder in inner_folders(self.path):
            place = folder / self.split
            if (truth := place / f"{folder.name}.txt").exists():
                yield SequenceFiles(folder.name, place / folder.name, (truth,))

    def _packed(self) -> Iterable[SequenceFiles]:
        if self.split != "30":
            raise FileError(f"{self.path} is as PyTracking packs NfS, of 30 frames per second, without the split 240.")
        for folder in inner_folders(self.path / "sequences"):
            if (truth := self.path / "anno" / f"{_PREFIX}{folder.name}.txt").exists():
                yield SequenceFiles(folder.name, folder, (truth,))


def nfs_annotations(files: SequenceFiles, frames: int) -> Annotations:
    """Boxes of either layout; see the module.

    Raises:
        FileError: the file is missing or damaged, or of another number of frames.
    """
    path = files.annotations[0]
    if path.name.startswith(_PREFIX):
        return Annotations.of_boxes(read_boxes(path, frames))
    rows = read_rows(path, _STEP * frames)
    step = _STEP if abs(len(rows) / frames - _STEP) < 1 else 1
    lines = range(1, len(rows) + 1, step)
    boxes = np.array([_box(path, line, rows[line - 1]) for line in lines]).reshape(-1, 4)
    if len(boxes) == frames - 1:
        boxes = np.vstack([boxes, np.zeros(4)])
    return Annotations.of_boxes(boxes[:frames] if len(boxes) == frames + 1 else boxes, lines=lines)


def _box(path: Path, line: int, row: list[str]) -> list[float]:
    """x, y, w, h; zeros where the object is lost."""
    try:
        left, top, right, bottom, _, lost = (float(part) for part in row[1:7])
    except ValueError:
        left = top = right = bottom = lost = math.nan
    corners = (left, top, right, bottom, lost)
    if not all(abs(value) <= FARTHEST for value in corners) or right < left or bottom < top:
        raise FileError(
            f"Each line of {path} must be track, left, top, right, bottom, frame, lost, occluded, generated and label "
            f"but line {line} is {printable(' '.join(row), most=60)!r}."
        )
    return [0.0] * 4 if lost else [left, top, right - left, bottom - top]
