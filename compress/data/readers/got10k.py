"""`got10k:PATH[:SPLIT]`: GOT-10k (Huang, Zhao and Huang, TPAMI 2021) as its site ships it.

    PATH/train/list.txt                               a name a line: GOT-10k_Train_000001 … GOT-10k_Train_009335
    PATH/train/GOT-10k_Train_000001/00000001.jpg …    frames, from 1
                                   /groundtruth.txt   x,y,w,h a line, decimals, for each frame
                                   /absence.label     a number a line: 1 where the object is absent
                                   /cover.label       a number a line: how much of it shows, in eighths, 0 to 8
                                   /cut_by_image.label, meta_info.ini            not used
    PATH/val/…  PATH/test/…                           likewise, 180 sequences each; in test, the first box alone

Sources: the official toolkit (github.com/got-10k/toolkit) for the layout; PyTracking (`ltr/dataset/got10k.py`) for
visibility: a frame counts where its box has an area, cover is above 0 and absence 0. Boxes are taken as written.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from compress.core import FileError
from compress.data.folder_sequences import folder_annotations, folder_first_box
from compress.data.listing import read_names
from compress.data.readers.official_lists import GOT10K_PROHIBITED_FOR_VOT, GOT10K_VOTVAL
from compress.data.recorded_sequence import RecordedSequence, SequenceFiles
from compress.data.recorded_source import RecordedSource
from compress.data.sequence import Sequence
from compress.data.sources import READERS

_FILES = ("groundtruth.txt", "absence.label", "cover.label")
_TRAIN = "GOT-10k_Train_"


@READERS.register("got10k")
class Got10kSource(RecordedSource):
    """The sequences of one split, in the order of its list.

    - `train`, `val`, `test`: the official ones; boxes of `test` are known to the evaluation server alone, so its
      sequences have their first box only.
    - `no-vot`: `train` without the 1,000 sequences that the VOT challenge prohibits to train on, by name.
    - `vottrain`, `votval`: the 7,086 and 1,249 training sequences that PyTracking, STARK and OSTrack train and validate
      on for use with VOT. As published: they leave out the prohibited numbers, which count from 1, as positions in the
      list, which count from 0, so that each number removes the sequence after the one that it names.
    """

    form = "got10k:PATH[:SPLIT]"
    summary = "GOT-10k; val, or train where trained on; test, no-vot, vottrain, votval"
    splits = ("val", "train", "test", "no-vot", "vottrain", "votval")
    training_split = "train"
    convention = "got10k"
    layout = "the folders train, val and test of GOT-10k, each with its list.txt"

    def listed(self) -> list[SequenceFiles]:
        """The names of the split's list file; see `RecordedSource`."""
        folder = self._folder
        return [
            SequenceFiles(name, folder / name, tuple(folder / name / file for file in self._annotations))
            for name in self._names()
        ]

    def watched(self) -> Iterator[str]:
        """Folders and annotation files, without making a path of each; see `RecordedSource`."""
        folder = str(self._folder)
        for name in self._names():
            place = f"{folder}/{name}"
            yield place
            yield from (f"{place}/{file}" for file in self._annotations)

    def opened(self, files: SequenceFiles) -> Sequence:
        """With labels; of `test` with the first box."""
        return RecordedSequence(files, folder_first_box if self.split == "test" else folder_annotations)

    @property
    def _folder(self) -> Path:
        return self.path / (self.split if self.split in ("val", "test") else "train")

    @property
    def _annotations(self) -> tuple[str, ...]:
        return _FILES[:1] if self.split == "test" else _FILES

    def _names(self) -> list[str]:
        if not self._folder.is_dir():
            raise FileError(f"There is no folder {self._folder}. Wanted: {self.layout}.")
        return [name for place, name in enumerate(read_names(self._folder / "list.txt")) if self._has(place, name)]

    def _has(self, place: int, name: str) -> bool:
        """Whether the sequence at a position of the list belongs to the split."""
        if self.split == "no-vot":
            number = name.removeprefix(_TRAIN)
            return not (number.isascii() and number.isdigit() and int(number) in GOT10K_PROHIBITED_FOR_VOT)
        if self.split == "votval":
            return place in GOT10K_VOTVAL
        return self.split != "vottrain" or not (place in GOT10K_VOTVAL or place in GOT10K_PROHIBITED_FOR_VOT)
