"""`lasot:PATH[:SPLIT]` and `lasot-ext:PATH`: LaSOT (Fan et al., CVPR 2019) and its extension (IJCV 2021).

    PATH/airplane/airplane-1/img/00000001.jpg …      frames, from 1; categories hold sequences, or PATH holds them all
                            /groundtruth.txt         x,y,w,h a line, whole numbers
                            /full_occlusion.txt      0,0,1,…: one line with a number for each frame, 1 where hidden
                            /out_of_view.txt         likewise, 1 where outside
                            /nlp.txt                 not used
    PATH/annos/att/airplane-1.txt                    14 flags, from the evaluation toolkit, if there

Sources: the official lists of protocol II (train 1,120, test 280 of 1,400; the extension is all for testing, 150);
PyTracking (`pytracking/evaluation/lasotdataset.py`, `ltr/dataset/lasot.py`) for layout and visibility: a frame counts
where its box has an area and both labels are 0. Absent objects have boxes without an area. Boxes are taken as written.
Attributes: IV POC DEF MB CM ROT BC VC SV FOC FM OV LR ARC, in the order of the evaluation toolkit.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from compress.core import warn
from compress.data.annotations import read_flags
from compress.data.folder_sequences import folder_annotations
from compress.data.listing import existing
from compress.data.readers.official_lists import lasot_ext_names, lasot_names
from compress.data.recorded_sequence import Annotations, RecordedSequence, SequenceFiles
from compress.data.recorded_source import RecordedSource
from compress.data.sequence import Sequence
from compress.data.sources import READERS

_FILES = ("groundtruth.txt", "full_occlusion.txt", "out_of_view.txt")
_ATTRIBUTES = ("IV", "POC", "DEF", "MB", "CM", "ROT", "BC", "VC", "SV", "FOC", "FM", "OV", "LR", "ARC")


@READERS.register("lasot")
class LasotSource(RecordedSource):
    """The sequences of an official split, by category and number; those that are missing are warned about."""

    form = "lasot:PATH[:SPLIT]"
    summary = "LaSOT; its 280 test sequences, or train where trained on; all"
    splits: ClassVar[tuple[str, ...]] = ("test", "train", "all")
    training_split = "train"
    convention = "lasot"
    layout = "folders such as airplane/airplane-1, or airplane-1, with img and groundtruth.txt"

    def listed(self) -> list[SequenceFiles]:
        """Those of the official list that are there; see `RecordedSource`."""
        names = self._names()
        found = [self._files(name) for name in names]
        there = [files for files in found if files is not None]
        if there and len(there) < len(names):
            missing = next(name for name, files in zip(names, found, strict=True) if files is None)
            warn(
                f"{self.path} has {len(there)} of the {len(names)} sequences of {self.name}: {missing}, for one, is "
                "missing, so figures on it are not those of others."
            )
        return there

    def opened(self, files: SequenceFiles) -> Sequence:
        """With labels, and attributes where the toolkit's files are there."""
        return RecordedSequence(files, lasot_annotations)

    def _names(self) -> list[str]:
        return lasot_names(self.split)

    def _files(self, name: str) -> SequenceFiles | None:
        folder = self._folder(name)
        if folder is None:
            return None
        flags = existing(self.path / "annos" / "att", [f"{name}.txt"])
        return SequenceFiles(name, folder / "img", (*(folder / file for file in _FILES), *flags))

    def _folder(self, name: str) -> Path | None:
        places = (self.path / name.partition("-")[0] / name, self.path / name)
        return next((place for place in places if place.is_dir()), None)


def lasot_annotations(files: SequenceFiles, frames: int) -> Annotations:
    """Boxes, labels and attributes; see the module. Raises FileError where a file is missing or damaged."""
    found, flags = folder_annotations(files, frames), files.annotations[len(_FILES) :]
    return replace(found, attributes=read_flags(flags[0], _ATTRIBUTES)) if flags else found


@READERS.register("lasot-ext")
class LasotExtensionSource(LasotSource):
    """The 150 sequences of LaSOT's extension, 10 of each of 15 categories that LaSOT has not."""

    form = "lasot-ext:PATH"
    summary = "the 150 test sequences of LaSOT's extension"
    splits = ()
    training_split = ""
    convention = "lasot-ext"
    layout = "folders such as atv/atv-1, or atv-1, with img and groundtruth.txt"

    def _names(self) -> list[str]:
        return lasot_ext_names()
