"""`tnl2k:PATH[:SPLIT]`: TNL2K (Wang et al., CVPR 2021), 1,300 sequences to train on and 700 to test.

    PATH/TNL2K_test_subset/NAME/imgs/00001.jpg …    or .png, in the order of their numbers
    PATH/TNL2K_test_subset/NAME/groundtruth.txt     x,y,w,h a line, separated by commas; zeros where absent
    PATH/TNL2K_train_subset/…                       likewise; what begins so, as its parts do, belongs to it
    PATH/annos/att/NAME_attribute.txt               17 flags, from `annos.tar.gz` of the evaluation toolkit, if there

- Splits: `test` (the default) and `train`. A PATH that holds the sequences themselves serves for both.
- The sentence in `language.txt` is not read. Coordinates are taken as they are.
- Of twelve training sequences the authors made the annotation again (`revised_annotations.zip`); the older one is of
  another number of frames and refused.
- Attributes: CM ROT DEF FOC IV OV POC VC SV BC MB ARC LR FM AS TC MS, as `Evaluate_TNL2K_dataset.m` has them.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from compress.data.folder_sequences import boxes_and_flags
from compress.data.listing import existing, inner_folders
from compress.data.recorded_sequence import RecordedSequence, SequenceFiles
from compress.data.recorded_source import RecordedSource
from compress.data.sequence import Sequence
from compress.data.sources import READERS

_FOLDERS = {"test": "TNL2K_test", "train": "TNL2K_train"}
_ATTRIBUTES = (
    "CM", "ROT", "DEF", "FOC", "IV", "OV", "POC", "VC", "SV", "BC", "MB", "ARC", "LR", "FM", "AS", "TC", "MS",
)  # fmt: skip


@READERS.register("tnl2k")
class Tnl2kSource(RecordedSource):
    """Sequences of TNL2K; see the module."""

    form = "tnl2k:PATH[:SPLIT]"
    summary = "TNL2K, split test (by default) or train"
    splits, training_split = tuple(_FOLDERS), "train"
    convention = "otb"
    layout = "PATH/TNL2K_test_subset/NAME/imgs/00001.jpg and PATH/TNL2K_test_subset/NAME/groundtruth.txt"

    def listed(self) -> list[SequenceFiles]:
        """In the order of names."""
        return [
            self._files(folder)
            for subset in self._subsets()
            for folder in inner_folders(subset)
            if (folder / "groundtruth.txt").exists()
        ]

    def opened(self, files: SequenceFiles) -> Sequence:
        """With boxes, and attributes where there are flags."""
        return RecordedSequence(files, partial(boxes_and_flags, names=_ATTRIBUTES))

    def _subsets(self) -> list[Path]:
        """The folders of the split; `PATH` itself where no folder in it is one of a split."""
        if not inner_folders(self.path, lambda name: name.startswith(tuple(_FOLDERS.values()))):
            return [self.path]
        return inner_folders(self.path, lambda name: name.startswith(_FOLDERS[self.split]))

    def _files(self, folder: Path) -> SequenceFiles:
        flags = existing(self.path / "annos" / "att", [f"{folder.name}_attribute.txt"])
        return SequenceFiles(folder.name, folder / "imgs", (folder / "groundtruth.txt", *flags))
