"""`trackingnet:PATH[:SPLIT]`: TrackingNet (Müller et al., ECCV 2018) as its development kit unpacks it.

    PATH/TRAIN_0/anno/NAME.txt            x,y,w,h a line, decimals, for each frame
                /frames/NAME/0.jpg …      frames, from 0, their numbers not padded
    PATH/TRAIN_1 … TRAIN_11, TEST         likewise; in TEST the first box alone

Sources: the development kit (github.com/SilvioGiancola/TrackingNet-devkit); PyTracking (`ltr/dataset/tracking_net.py`,
`pytracking/evaluation/trackingnetdataset.py`): names are those of the annotation files, and a frame counts where
its box has an area. There are 30,132 training and 511 test sequences. Boxes are taken as written.
"""

from __future__ import annotations

from pathlib import Path

from compress.core import FileError, warn
from compress.data.folder_sequences import boxes_alone, first_box_alone
from compress.data.listing import inner_files
from compress.data.recorded_sequence import RecordedSequence, SequenceFiles
from compress.data.recorded_source import RecordedSource
from compress.data.sequence import Sequence
from compress.data.sources import READERS

_PARTS = tuple(f"train-{number}" for number in range(12))


@READERS.register("trackingnet")
class TrackingNetSource(RecordedSource):
    """The sequences of a split, part by part, in the order of their names.

    `train` is all parts that are there, and warns about those that are not; `train-0` … `train-11` is one of them.
    """

    form = "trackingnet:PATH[:SPLIT]"
    summary = "TrackingNet; test, or train where trained on; train-0 … train-11"
    splits = ("test", "train", *_PARTS)
    training_split = "train"
    convention = "trackingnet"
    layout = "folders TRAIN_0 … TRAIN_11 and TEST, each with anno and frames"

    def listed(self) -> list[SequenceFiles]:
        """The annotation files of the parts; see `RecordedSource`."""
        wanted = _PARTS if self.split == "train" else (self.split,)
        parts = [self.path / part.upper().replace("-", "_") for part in wanted]
        there = [part for part in parts if (part / "anno").is_dir()]
        if not there:
            raise FileError(f"There is no folder {parts[0] / 'anno'}. Wanted: {self.layout}.")
        if len(there) < len(parts):
            missing = ", ".join(part.name for part in parts if part not in there)
            warn(f"{self.path} has no {missing}: {self.name} is the rest.")
        return [files for part in there for files in _listed(part)]

    def opened(self, files: SequenceFiles) -> Sequence:
        """With boxes; of `test` with the first one."""
        return RecordedSequence(files, first_box_alone if self.split == "test" else boxes_alone)


def _listed(part: Path) -> list[SequenceFiles]:
    found = inner_files(part / "anno", lambda name: name.endswith(".txt"))
    return [SequenceFiles(path.stem, part / "frames" / path.stem, (path,)) for path in found]
