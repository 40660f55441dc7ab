"""Sequences in folders: images and annotations as GOT-10k, LaSOT, OTB and VOT lay them out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from compress.core import FileError
from compress.data.annotations import read_boxes, read_first_box, read_labels
from compress.geometry import Pictures, check_image, has_images

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


class FolderSequence:
    """Images in the order of their numbers, with boxes and visibility; frames are read when asked for."""

    def __init__(self, name: str, images: Pictures, boxes: NDArray[np.float64], visible: NDArray[np.bool_]) -> None:
        self.name = name
        self.images = images
        self.boxes = boxes
        self.visible = visible

    def __len__(self) -> int:
        return len(self.images)

    def frame(self, index: int, /) -> NDArray[np.uint8]:
        """(H, W, 3) RGB.

        Raises:
            FileError: see `Pictures.frame`.
        """
        return self.images.frame(index)


def read_folder(path: Path | str) -> list[FolderSequence]:
    """Read one sequence, or a folder of sequences in the order of their names.

    A sequence is a folder of images, or with a folder `img`, `imgs`, `color`, `images` or `frames` of images, and with
    `groundtruth.txt` (or `groundtruth_rect.txt`): a box for each image, see `read_boxes`. Label files are honoured
    where present: the object is visible where GOT-10k's `cover.label` is above 0 and its `absence.label` 0, and where
    LaSOT's `full_occlusion.txt` and `out_of_view.txt` are 0. A frame in which the box is absent is invisible.

    Raises:
        FileError: naming what is missing or wrong, and the line where one is.
    """
    found = [_read_sequence(folder) for folder in sequence_folders(path)]
    for sequence in found[:_CHECKED]:
        check_image(sequence.images.files[0])
    return found


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
    inner = sorted(d for d in folder.iterdir() if d.is_dir() and not d.name.startswith("."))
    found = [d for d in inner if _truth(d) or has_images(d)]
    if not found:
        raise FileError(
            f"{folder} holds no sequence: neither it nor a folder in it has images with a {_TRUTHS[0]}. "
            "Give a folder in the layout of GOT-10k, LaSOT or VOT."
        )
    return found


def _truth(folder: Path) -> Path | None:
    return next((folder / name for name in _TRUTHS if (folder / name).exists()), None)


def _read_sequence(folder: Path) -> FolderSequence:
    path = _truth(folder)
    images = Pictures.of_folder(folder)
    if path is None:
        raise FileError(f"{folder} holds {len(images)} images but no {_TRUTHS[0]}. Add it, one x,y,w,h line per image.")
    boxes = read_boxes(path, len(images))
    if len(boxes) != len(images):
        raise _mismatch(path, len(boxes), images)
    visible = np.asarray((boxes[:, 2:] > 0).all(axis=1))
    for name, shows in _VISIBLE.items():
        if (folder / name).exists():
            visible &= shows(read_labels(folder / name, len(images)))
    if not (boxes[0, 2:] > 0).all():
        raise FileError(f"{path} line 1: the first box has no area, so there is nothing to follow. Correct it.")
    return FolderSequence(folder.resolve().name, images, boxes, visible)


def _mismatch(path: Path, boxes: int, images: Pictures) -> FileError:
    if boxes == 1:
        return FileError(
            f"{path} has one box for {len(images)} images, as in a test set: enough for `compress track`, but scores "
            "and training need a box for each image."
        )
    return FileError(f"{path} has {boxes} boxes but {images.name} has {len(images)} images. Each needs the other.")
