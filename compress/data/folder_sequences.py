"""Sequences in GOT-10k layout: numbered images beside `groundtruth.txt`."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from compress.core import FileError
from compress.geometry import has_images, image_files, read_image

_TRUTH = "groundtruth.txt"
LABELS = (_TRUTH, "cover.label", "absence.label")
"""The files of a sequence beside its images."""

_SHOWN_PROBLEMS = 5


class FolderSequence:
    """Images in the order of their numbers, with boxes and visibility; frames are read when asked for."""

    def __init__(self, name: str, images: list[Path], boxes: NDArray[np.float64], visible: NDArray[np.bool_]) -> None:
        self.name = name
        self.images = images
        self.boxes = boxes
        self.visible = visible

    def __len__(self) -> int:
        return len(self.images)

    def frame(self, index: int, /) -> NDArray[np.uint8]:
        """(H, W, 3) RGB.

        Raises:
            FileError: the image is missing or damaged.
        """
        return read_image(self.images[index])


def read_folder(path: Path | str) -> list[FolderSequence]:
    """Read one sequence, or a folder of sequences in the order of their names.

    A sequence is a folder of images (jpg, png, bmp) with `groundtruth.txt`: x,y,w,h per line, separated by
    commas, tabs or spaces. `cover.label` (0 to 8 per line) and `absence.label` (0 or 1) are honoured where
    present: the object is visible where cover is above 0 and absence is 0. A box of NaN or without area is
    an invisible frame.

    Raises:
        FileError: naming what is missing or wrong, and the line where one is.
    """
    return [_read_sequence(folder) for folder in sequence_folders(path)]


def sequence_folders(path: Path | str) -> list[Path]:
    """The folder itself where it holds one sequence, else those in it that hold one, in the order of their names.

    Raises:
        FileError: none does, or there is no such folder.
    """
    folder = Path(path)
    if (folder / _TRUTH).is_file() or has_images(folder):
        return [folder]
    inner = sorted(d for d in folder.iterdir() if d.is_dir() and not d.name.startswith("."))
    found = [d for d in inner if (d / _TRUTH).is_file() or has_images(d)]
    if not found:
        raise FileError(
            f"{folder} holds no sequence: neither it nor a folder in it has images with a {_TRUTH}. "
            "Give a folder in GOT-10k layout."
        )
    return found


def _read_sequence(folder: Path) -> FolderSequence:
    images, path = image_files(folder), folder / _TRUTH
    if not path.is_file():
        raise FileError(f"{folder} holds {len(images)} images but no {_TRUTH}. Add it, one x,y,w,h line per image.")
    boxes = _numbers(path, 4)
    if len(boxes) != len(images) or not images:
        raise FileError(f"{path} has {len(boxes)} boxes but {folder} has {len(images)} images. Each needs the other.")
    visible = np.asarray((boxes[:, 2:] > 0).all(axis=1))
    for name in LABELS[1:]:
        if (folder / name).is_file():
            labels = _labels(folder / name, len(images))
            visible &= labels > 0 if name == "cover.label" else labels == 0
    if not (boxes[0, 2:] > 0).all():
        raise FileError(f"{path} line 1: the first box has no area, so there is nothing to follow. Correct it.")
    return FolderSequence(folder.resolve().name, images, boxes, visible)


def _labels(path: Path, wanted: int) -> NDArray[np.float64]:
    labels = _numbers(path, 1)[:, 0]
    if len(labels) != wanted:
        raise FileError(f"{path} has {len(labels)} lines but its folder has {wanted} images. Each image needs one.")
    return labels


def _numbers(path: Path, columns: int) -> NDArray[np.float64]:
    """(n, columns); boxes of NaN come back as zeros."""
    try:
        lines = path.read_text(encoding="utf-8-sig").rstrip().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"Cannot read {path}: {error}.") from error
    rows, problems = [], []
    for number, line in enumerate(lines, start=1):
        row = _row(line, columns)
        if row is None:
            problems.append(f"line {number} is {line.strip()[:40]!r}")
        rows.append(row or [0.0] * columns)
    if problems:
        more = f" and {len(problems) - _SHOWN_PROBLEMS} more" if len(problems) > _SHOWN_PROBLEMS else ""
        wanted = "x,y,w,h in pixels, w and h not negative" if columns == 4 else "one number"
        raise FileError(f"Each line of {path} must be {wanted}, but {'; '.join(problems[:_SHOWN_PROBLEMS])}{more}.")
    return np.array(rows, dtype=np.float64).reshape(-1, columns)


def _row(line: str, columns: int) -> list[float] | None:
    try:
        row = [float(part) for part in re.split(r"\s*,\s*|\s+", line.strip())]
    except ValueError:
        return None
    if len(row) != columns or np.isinf(row).any() or (columns == 1 and np.isnan(row).any()):
        return None
    if np.isnan(row).any():
        return [0.0] * columns
    return None if min(row[2:], default=0.0) < 0 else row
