"""What a tiny data set is made of: grey frames, boxes that move, and what a reader must find."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64]


@dataclass(frozen=True)
class Expected:
    """What a reader must find of a sequence.

    Attributes:
        boxes: (n, 4) x, y, w, h; zeros where the object is absent.
        grey: The level of its first frame.
    """

    boxes: Boxes
    grey: int
    attributes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Layout:
    """A data set on the disk.

    Attributes:
        location: What opens it.
        sequences: What must be found, in this order.
        box: A file, and what of it to replace by what, for another box.
        needed: A file or folder without which the data is refused.
        named: What the message then names.
    """

    location: str
    sequences: dict[str, Expected]
    box: tuple[Path, str, str]
    needed: Path
    named: str


def grey_of(number: int) -> int:
    """The level of the frame that has a number."""
    return 30 + 7 * number % 100


def moving(count: int, step: float = 1.0) -> Boxes:
    """(count, 4) boxes that move to the right and back, within a frame of 96x72."""
    return np.array([[10.0 + step * (i % 20), 12, 24, 20] for i in range(count)])


def write_frames(folder: Path, numbers: Iterable[int], digits: int, suffix: str = ".jpg") -> Path:
    """Write grey frames of 96x72 under numbers of so many digits."""
    folder.mkdir(parents=True)
    written = dict[int, Path]()
    for number in numbers:
        path, grey = folder / f"{number:0{digits}d}{suffix}", grey_of(number)
        if grey in written:
            os.link(written[grey], path)
        else:
            path.write_bytes(picture(grey, suffix, 96, 72))
            written[grey] = path
    return folder


def write_boxes(path: Path, boxes: Boxes, separator: str = ",", absent: str = "") -> Path:
    """Write a box a line; `absent` for those without an area."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [separator.join(f"{value:g}" for value in box) if box[2] or not absent else absent for box in boxes]
    path.write_text("\n".join(lines) + "\n")
    return path


@cache
def picture(grey: int, suffix: str, width: int, height: int) -> bytes:
    """An encoded picture of one grey level."""
    _, data = cv2.imencode(suffix, np.full((height, width, 3), grey, np.uint8))
    return data.tobytes()
