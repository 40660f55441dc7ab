"""`uav123:PATH[:SPLIT]`: UAV123 and UAV20L (Mueller, Smith and Ghanem, ECCV 2016).

    PATH/data_seq/UAV123/bird1/000001.jpg …     6 digits
    PATH/anno/UAV123/bird1_2.txt                x,y,w,h a line, separated by commas; NaN four times where absent
    PATH/anno/UAV123/att/bird1_2.txt            12 flags, separated by commas
    PATH/anno/UAV20L/bird1.txt, att/bird1.txt   of the long sequences, whose frames are those of UAV123

- Splits: `UAV123` (123 sequences, the default) and `UAV20L` (20).
- A sequence may be a part of a folder: bird1_2 is frames 775 to 1477 of bird1. The table `uav123.csv` says which.
- Coordinates are taken as they are. Frames in which the object is absent are invisible.
- Attributes, in the order of the flags: SV ARC LR FM FOC POC OV BC IV VC CM SOB, as its `perfPlot.m` has them.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from compress.data.folder_sequences import boxes_and_flags
from compress.data.listing import existing
from compress.data.readers.tables import Row, frame_names, present, table_rows
from compress.data.recorded_sequence import RecordedSequence, SequenceFiles
from compress.data.recorded_source import RecordedSource
from compress.data.sequence import Sequence
from compress.data.sources import READERS

_ATTRIBUTES = ("SV", "ARC", "LR", "FM", "FOC", "POC", "OV", "BC", "IV", "VC", "CM", "SOB")


@READERS.register("uav123")
class Uav123Source(RecordedSource):
    """Sequences of UAV123 or UAV20L; see the module."""

    form = "uav123:PATH[:SPLIT]"
    summary = "UAV123, or its long sequences by the split UAV20L"
    splits = ("UAV123", "UAV20L")
    convention = "uav123"
    layout = "PATH/data_seq/UAV123/bike1/000001.jpg and PATH/anno/UAV123/bike1.txt, for each sequence"

    def listed(self) -> list[SequenceFiles]:
        """Those of the split whose annotations are on the disk; a warning says how many are not."""
        wanted = [row for row in table_rows("uav123") if row["split"] == self.split]
        return [self._files(row) for row in present(wanted, self.path, lambda row: self._truth(row).exists())]

    def opened(self, files: SequenceFiles) -> Sequence:
        """With boxes, and attributes where there are flags."""
        return RecordedSequence(files, partial(boxes_and_flags, names=_ATTRIBUTES))

    def _truth(self, row: Row) -> Path:
        return self.path / "anno" / self.split / f"{row['name']}.txt"

    def _files(self, row: Row) -> SequenceFiles:
        truth, images = self._truth(row), self.path / "data_seq" / "UAV123" / row["folder"]
        frames = frame_names(images, int(row["first"]), int(row["last"]), digits=6)
        return SequenceFiles(row["name"], images, (truth, *existing(truth.parent / "att", [truth.name])), frames)
