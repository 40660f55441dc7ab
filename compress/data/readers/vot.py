"""`vot:PATH`: data sets of the VOT challenges, short-term and long-term, as the VOT toolkit downloads them.

    PATH/list.txt                       a name a line, in the challenge's order; all folders where it is missing
    PATH/ants1/color/00000001.jpg …     or beside the annotation, as until 2017
    PATH/ants1/sequence                 if there, a line such as channels.color=color/%08d.jpg says where frames are
    PATH/ants1/groundtruth.txt          a region a line; or groundtruth_ID.txt for each of several objects
    PATH/ants1/occlusion.tag            0 or 1 a line, lines at the end may be missing; `.label` until 2016

- A region is a rectangle x,y,w,h, a polygon x1,y1,x2,y2,… or, since 2020, a mask `mX,Y,W,H,RUNS…`, all separated by
  commas. What is followed is the box around it, from the leftmost to the rightmost corner, as the toolkit converts
  regions; toolkits that keep a polygon's area (GOT-10k's, pysot's) have smaller boxes.
- NaN, a single number, and lines that are missing at the end say that the object is absent.
- Polygons are kept beside their boxes, since the overlap of VOT is that of regions.
- Several objects of a sequence are sequences of their own, `NAME_ID`; a `groundtruth.txt` beside them is not read.
  Channels of depth or infrared are not read.
- Coordinates are taken as they are. Attributes are the names of the tags that are set in any frame.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from compress.core import FileError
from compress.core.text import printable
from compress.data.annotation_text import read_lines, read_rows
from compress.data.listing import inner_files, inner_folders, is_inner, read_names
from compress.data.recorded_sequence import Annotations, RecordedSequence, SequenceFiles
from compress.data.recorded_source import RecordedSource
from compress.data.regions import region_box, region_corners
from compress.data.sequence import Sequence
from compress.data.sources import READERS

_TRUTH = re.compile(r"groundtruth(?:_(.+))?\.txt")
_TAGS = (".tag", ".label")


@READERS.register("vot")
class VotSource(RecordedSource):
    """Sequences of a VOT challenge; see the module."""

    form = "vot:PATH"
    summary = "a data set of the VOT challenges"
    convention = "vot"
    layout = "PATH/list.txt, PATH/NAME/color/00000001.jpg and PATH/NAME/groundtruth.txt"

    def listed(self) -> list[SequenceFiles]:
        """In the order of the list, or of names."""
        listing = self.path / "list.txt"
        folders = [self.path / name for name in read_names(listing)] if listing.exists() else inner_folders(self.path)
        return [files for folder in folders for files in _objects(folder, required=listing.exists())]

    def opened(self, files: SequenceFiles) -> Sequence:
        """One of them."""
        return VotSequence(files, vot_annotations)


class VotSequence(RecordedSequence):
    """A sequence that also knows its polygons, which VOT's own overlap is of."""

    @property
    def polygons(self) -> NDArray[np.float64] | None:
        """(n, 2k) corners, NaN where the object is absent; None where its regions are not all such polygons.

        Raises:
            FileError: the annotation is missing or damaged.
        """
        found = region_corners(read_rows(self.files.annotations[0], len(self)))
        if found is None:
            return None
        return np.vstack([found, np.full((len(self) - len(found), found.shape[1]), np.nan)])


def _objects(folder: Path, *, required: bool) -> Iterable[SequenceFiles]:
    """The objects of a sequence; one that a list names must have some."""
    found = inner_files(folder, lambda name: bool(_TRUTH.fullmatch(name)) or name.endswith(_TAGS))
    truths = [(path, match[1]) for path in found if (match := _TRUTH.fullmatch(path.name))]
    if required and not truths:
        raise FileError(f"{folder} has no groundtruth.txt, but list.txt names it. Complete the data.")
    if any(identity is not None for _, identity in truths):
        truths = [(path, identity) for path, identity in truths if identity is not None]
    images = _colour_folder(folder)
    tags = [path for path in found if path.name.endswith(_TAGS)]
    for path, identity in truths:
        name = folder.name if identity is None else f"{folder.name}_{identity}"
        yield SequenceFiles(name, images, (path, *tags))


def _colour_folder(folder: Path) -> Path:
    """Where colour frames are: where the file `sequence` says, else in `color`, else beside the annotation."""
    about = folder / "sequence"
    if about.is_file():
        for line in read_lines(about, 0):
            key, _, value = (part.strip() for part in line.partition("="))
            if key == "channels.color" and value:
                place = value if not Path(value).suffix else str(Path(value).parent)
                if place != "." and not is_inner(place):
                    raise FileError(
                        f"{about} has channels.color={printable(value, most=60)}, which leads out of its folder. It "
                        "must be like color/%08d.jpg."
                    )
                return folder / place
    return folder / "color" if (folder / "color").is_dir() else folder


def vot_annotations(files: SequenceFiles, frames: int) -> Annotations:
    """Boxes around regions, and the tags that are set; see the module.

    Raises:
        FileError: a file is missing or damaged, or longer than the sequence.
    """
    truth, *tags = files.annotations
    boxes = [_box(truth, number, row) for number, row in enumerate(read_rows(truth, frames), start=1)]
    attributes = frozenset(path.stem for path in tags if ["1"] in read_rows(path, frames))
    if len(boxes) == 1 < frames:
        return Annotations.of_first(np.array(boxes[0]), frames, attributes=attributes)
    missing = [[0.0] * 4] * (frames - len(boxes))
    return Annotations.of_boxes(np.array([*boxes, *missing]).reshape(-1, 4), attributes=attributes)


def _box(path: Path, number: int, row: list[str]) -> list[float]:
    box = region_box(row)
    if box is None:
        raise FileError(
            f"{path} line {number} must be a rectangle x,y,w,h, a polygon x1,y1,x2,y2,… or a mask mX,Y,W,H,RUNS… but "
            f"is {printable(','.join(row), most=60)!r}."
        )
    return box
