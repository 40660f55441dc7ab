"""Sequences in folders: images and annotations as GOT-10k, LaSOT, OTB and VOT lay them out."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from compress.core import FileError
from compress.data.annotations import read_boxes, read_first_box, read_flags, read_labels
from compress.data.listing import existing, inner_folders
from compress.data.recorded_sequence import Annotations, RecordedSequence, SequenceFiles
from compress.geometry import check_image, has_images, picture_folder

_TRUTHS = ("groundtruth.txt", "groundtruth_rect.txt")
_VISIBLE: dict[str, Callable[[NDArray[np.float64]], NDArray[np.bool_]]] = {
    "cover.label": lambda cover: cover > 0,
    "absence.label": lambda absent: absent == 0,
    "full_occlusion.txt": lambda occluded: occluded == 0,
    "out_of_view.txt": lambda outside: outside == 0,
}
"""Label files of GOT-10k and LaSOT, and in which frames they have the object visible."""
LABELS = (*_TRUTHS, *_VISIBLE)
"""The files of a sequence beside its images."""
_CHECKED = 100
"""Sequences whose first image is looked at when they are opened, so that a source without content is refused."""


def read_folder(path: Path | str) -> list[RecordedSequence]:
    """Read one sequence, or a folder of sequences in the order of their names.

    A sequence is a folder of images, or with a folder `img`, `imgs`, `color`, `images` or `frames` of images, and with
    `groundtruth.txt` (or `groundtruth_rect.txt`): a box for each image, see `read_boxes`. Label files are honoured
    where present: the object is visible where GOT-10k's `cover.label` is above 0 and its `absence.label` 0, and where
    LaSOT's `full_occlusion.txt` and `out_of_view.txt` are 0. A frame in which the box is absent is invisible.

    Raises:
        FileError: naming what is missing or wrong, and the line where one is.
    """
    found = [RecordedSequence(files, folder_annotations) for files in listed_folders(path)]
    for sequence in found:
        _ = sequence.annotations
    for sequence in found[:_CHECKED]:
        check_image(sequence.images.files[0])
    return found


def listed_folders(path: Path | str) -> list[SequenceFiles]:
    """Where the sequences lie that `read_folder` reads; nothing is opened.

    Raises:
        FileError: there is none.
    """
    return [folder_files(folder) for folder in sequence_folders(path)]


def folder_files(folder: Path, name: str = "") -> SequenceFiles:
    """Where a sequence lies that has its annotations, whichever there are, in a folder with its images.

    Args:
        name: Of the sequence; the folder's by default.
    """
    return SequenceFiles(name or Path(os.path.realpath(folder)).name, picture_folder(folder), existing(folder, LABELS))


def folder_annotations(files: SequenceFiles, frames: int) -> Annotations:
    """A box for each image and the labels that there are, see `read_folder`.

    Raises:
        FileError: there are no boxes; or a file is damaged, or of another number of images.
    """
    if not files.annotations or files.annotations[0].name not in _TRUTHS:
        raise FileError(
            f"{files.images} holds {frames} images but no {_TRUTHS[0]}. Add it, one x,y,w,h line per image."
        )
    boxes = read_boxes(files.annotations[0], frames)
    shown = [_VISIBLE[p.name](read_labels(p, frames)) for p in files.annotations if p.name in _VISIBLE]
    return Annotations.of_boxes(boxes, np.logical_and.reduce(shown) if shown and len(boxes) == frames else None)


def folder_first_box(files: SequenceFiles, frames: int) -> Annotations:
    """Likewise; but where there is one box for several images, as in test sets, it is the first, and the only one.

    Raises:
        FileError: as `folder_annotations` does.
    """
    found = folder_annotations(files, frames)
    return Annotations.of_first(found.boxes[0], frames) if len(found.boxes) == 1 < frames else found


def boxes_alone(files: SequenceFiles, frames: int) -> Annotations:
    """The boxes of the first annotation file, whatever it is called; there are no labels. Raises FileError."""
    return Annotations.of_boxes(read_boxes(files.annotations[0], frames))


def first_box_alone(files: SequenceFiles, frames: int) -> Annotations:
    """Likewise; one box for several images is the first, and the only one. Raises FileError."""
    found = boxes_alone(files, frames)
    return Annotations.of_first(found.boxes[0], frames) if len(found.boxes) == 1 < frames else found


def boxes_and_flags(files: SequenceFiles, frames: int, names: Sequence[str]) -> Annotations:
    """The boxes of the first annotation file, and those of the attributes `names` that a second one, if any, sets.

    Raises:
        FileError: a file is missing or damaged; see `read_boxes` and `read_flags`.
    """
    truth, *flags = files.annotations
    attributes = read_flags(flags[0], names) if flags else frozenset[str]()
    return Annotations.of_boxes(read_boxes(truth, frames), attributes=attributes)


def first_box(path: Path | str) -> list[float] | None:
    """The first box that a sequence's folder knows, where it has annotations; for following the object.

    Raises:
        FileError: see `read_first_box`.
    """
    truth = _truth(Path(path))
    return None if truth is None else read_first_box(truth)


def sequence_folders(path: Path | str) -> list[Path]:
    """The folder itself where it holds one sequence, else those in it that hold one, in the order of their names.

    Raises:
        FileError: none does, or there is no such folder.
    """
    folder = Path(path)
    if _truth(folder) or has_images(folder):
        return [folder]
    found = [d for d in inner_folders(folder) if _truth(d) or has_images(d)]
    if not found:
        raise FileError(
            f"{folder} holds no sequence: neither it nor a folder in it has images with a {_TRUTHS[0]}. "
            "Give a folder in the layout of GOT-10k, LaSOT or VOT."
        )
    return found


def _truth(folder: Path) -> Path | None:
    return next(iter(existing(folder, _TRUTHS)), None)
