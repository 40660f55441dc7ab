"""`otb:PATH[:SPLIT]`: OTB (Wu, Lim and Yang, TPAMI 2015), of 100 sequences.

    PATH/Basketball/img/0001.jpg …              4 digits; Board has 5
    PATH/Basketball/groundtruth_rect.txt        x,y,w,h a line, separated by commas, tabs or spaces
    PATH/Jogging/groundtruth_rect.1.txt, .2.txt two objects in one video, Jogging-1 and Jogging-2; Skating2 likewise

- Splits: `100` (TB-100), `50` (TB-50) and `2013` (the 51 of CVPR 2013), as the lists of the authors' benchmark.
- Names are those of the lists: Human4 is Human4-2, since its first annotation is empty.
- Frames: David is 300 to 770; Football1, Freeman3, Freeman4 and Diving end before their folders do; BlurCar1, 3 and 4
  start at other numbers than 1; Tiger1 starts at 6, its first five annotations left out.
- The first pixel is called 1, as the benchmark's own wrappers of C++ trackers say, so 1 is taken off x and y.
- The object is in every frame. Attributes are the 11 of the benchmark, such as `OCC`.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from compress.core import FileError
from compress.data.annotations import read_boxes
from compress.data.readers.tables import Row, frame_names, present, table_rows
from compress.data.recorded_sequence import Annotations, RecordedSequence, SequenceFiles
from compress.data.recorded_source import RecordedSource
from compress.data.sequence import Sequence
from compress.data.sources import READERS

_LISTS = {"100": "", "50": "tb50", "2013": "otb2013"}


@READERS.register("otb")
class OtbSource(RecordedSource):
    """Sequences of OTB; see the module."""

    form = "otb:PATH[:SPLIT]"
    summary = "OTB, split 100 (by default), 50 or 2013"
    splits = tuple(_LISTS)
    convention = "otb"
    first_pixel = 1
    layout = "PATH/Basketball/img/0001.jpg and PATH/Basketball/groundtruth_rect.txt, for each sequence"

    def listed(self) -> list[SequenceFiles]:
        """Those of the split whose annotations are on the disk; a warning says how many are not."""
        wanted = [row for row in table_rows("otb") if _LISTS[self.split] in ("", *row["lists"].split())]
        return [self._files(row) for row in present(wanted, self.path, lambda row: self._truth_exists(row))]

    def opened(self, files: SequenceFiles) -> Sequence:
        """One of them."""
        return RecordedSequence(files, otb_annotations)

    def _truth_exists(self, row: Row) -> bool:
        return (self.path / row["folder"] / row["annotation"]).exists()

    def _files(self, row: Row) -> SequenceFiles:
        folder = self.path / row["folder"]
        frames = frame_names(folder / "img", int(row["first"]), int(row["last"]), digits=int(row["digits"]))
        return SequenceFiles(row["name"], folder / "img", (folder / row["annotation"],), frames)


def otb_annotations(files: SequenceFiles, frames: int) -> Annotations:
    """Boxes and attributes of a sequence that the table knows; see the module.

    Raises:
        FileError: the file is missing or damaged, or of another number of frames.
    """
    row, path = _rows()[files.name], files.annotations[0]
    skipped = int(row["skipped"])
    boxes = read_boxes(path, frames + skipped)
    if len(boxes) != frames + skipped:
        raise FileError(
            f"{path} has {len(boxes)} boxes but {files.name} has {frames + skipped}, of frames {row['first']} to "
            f"{row['last']}" + (f" and {skipped} before" if skipped else "") + ". Download it again."
        )
    corner = np.array([OtbSource.first_pixel, OtbSource.first_pixel, 0, 0])
    return Annotations.of_boxes(
        boxes[skipped:] - corner,
        attributes=frozenset(row["attributes"].split()),
        lines=range(skipped + 1, len(boxes) + 1),
    )


@cache
def _rows() -> dict[str, Row]:
    return {row["name"]: row for row in table_rows("otb")}
