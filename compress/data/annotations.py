"""Annotation files of recorded sequences: a box per line, and labels of visibility.

Coordinates are taken as they are: whether the first pixel is called 0 or 1 is not written in such files, and moves a
box by a pixel.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from compress.core import FileError
from compress.core.text import printable
from compress.data.annotation_text import FARTHEST, fields_of, read_first_line, read_lines, read_rows

_SHOWN_PROBLEMS = 5
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[-+]?[0-9]+)?|nan", re.IGNORECASE | re.ASCII)
_PLAIN = re.compile(r"[-+0-9.eE,\t \n]*")


def read_boxes(path: Path, frames: int) -> NDArray[np.float64]:
    """(n, 4) x, y, w, h: a line each, separated by commas, semicolons, tabs or spaces.

    Absent objects, which data sets write as `-1,-1,-1,-1`, as NaN, or by a width or height of 0, are zeros.

    Args:
        frames: How many boxes there should be, which bounds the size of the file.

    Raises:
        FileError: no text, too long, or a line that is none of these; the lines are named.
    """
    lines = read_lines(path, frames)
    plain = _plain_boxes(lines)
    if plain is not None:
        return plain
    rows, problems = [], []
    for number, line in enumerate(lines, start=1):
        row = _box(line)
        if row is None:
            problems.append(f"line {number} is {printable(line.strip(), most=40)!r}")
        rows.append(row or [0.0] * 4)
    if problems:
        more = f" and {len(problems) - _SHOWN_PROBLEMS} more" if len(problems) > _SHOWN_PROBLEMS else ""
        raise FileError(
            f"Each line of {path} must be x,y,w,h in pixels, w and h not negative, or NaN or -1 four times where the "
            f"object is absent, but {'; '.join(problems[:_SHOWN_PROBLEMS])}{more}."
        )
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


def _plain_boxes(lines: list[str]) -> NDArray[np.float64] | None:
    """Boxes of lines that hold nothing but four numbers with one separator, as most files do; None for others."""
    joined = "\n".join(lines)
    separator = next((each for each in (",", "\t", " ") if each in joined), ",")
    if any(line.count(separator) != 3 for line in lines):
        return None
    numbers = _plain_numbers(joined, 4 * len(lines), separator)
    if numbers is None or not (np.abs(numbers) <= FARTHEST).all():
        return None
    found = numbers.reshape(-1, 4)
    absent = (found == -1).all(axis=1)
    if (found[~absent, 2:] < 0).any():
        return None
    found[absent] = 0
    return found


def _plain_numbers(text: str, count: int, separator: str = ",") -> NDArray[np.float64] | None:
    """`count` numbers with a separator or the end of a line between them and nothing else; None for other text."""
    parts = text.replace("\n", separator).split(separator)
    if len(parts) != count or not _PLAIN.fullmatch(text):
        return None
    try:
        found = np.array(parts, dtype=np.float64)
    except ValueError:
        return None
    return found if np.isfinite(found).all() else None


def read_first_box(path: Path) -> list[float]:
    """The box x, y, w, h of the first line, whatever follows; of a VOT polygon, the box around it.

    Raises:
        FileError: it cannot be read, or its first line is no box with an area.
    """
    line = read_first_line(path)
    box = _box(line) or _around(line)
    if box is None or min(box[2:]) <= 0:
        raise FileError(
            f"The first line of {path} must be the object's box x,y,w,h or a polygon x1,y1,x2,y2,… in pixels but is "
            f"{printable(line.strip(), most=40)!r}. Correct it, or give the box by --init."
        )
    return box


def read_labels(path: Path, frames: int) -> NDArray[np.float64]:
    """(frames,) numbers, one per frame, in lines of their own or separated by commas.

    Raises:
        FileError: another count, or something that is no number.
    """
    lines = read_lines(path, frames)
    plain = _plain_numbers("\n".join(lines), frames)
    if plain is not None:
        return plain
    parts = [(number, part) for number, line in enumerate(lines, start=1) for part in fields_of(line)]
    for number, part in parts:
        if not _NUMBER.fullmatch(part) or not math.isfinite(float(part)):
            found = printable(part, most=40)
            raise FileError(f"{path} must hold a number per image but line {number} holds {found!r}. Correct it.")
    if len(parts) != frames:
        raise FileError(f"{path} has {len(parts)} numbers but its folder has {frames} images. Each image needs one.")
    return np.array([float(part) for _, part in parts], dtype=np.float64)


def read_flags(path: Path, names: Sequence[str]) -> frozenset[str]:
    """Those of `names` that a file of flags sets, 0 or 1 for each name in their order; as attributes are written.

    Raises:
        FileError: it is missing, holds something else, or another number of flags.
    """
    flags = [part for row in read_rows(path, len(names)) for part in row]
    if len(flags) != len(names) or not {*flags} <= {"0", "1"}:
        raise FileError(f"{path} must hold {len(names)} flags, 0 or 1, but holds {printable(repr(flags), most=80)}.")
    return frozenset(name for name, flag in zip(names, flags, strict=True) if flag == "1")


def _numbers(line: str) -> list[float] | None:
    parts = fields_of(line)
    # A semicolon beside commas separates numbers with decimal commas, which look like twice as many.
    if (";" in line and "," in line) or not all(map(_NUMBER.fullmatch, parts)):
        return None
    row = [float(part) for part in parts]
    return row if all(math.isnan(value) or abs(value) <= FARTHEST for value in row) else None


def _box(line: str) -> list[float] | None:
    row = _numbers(line)
    if row is None or len(row) != 4:
        return None
    if all(map(math.isnan, row)) or row == [-1.0] * 4:
        return [0.0] * 4
    return None if any(map(math.isnan, row)) or min(row[2:]) < 0 else row


def _around(line: str) -> list[float] | None:
    row = _numbers(line)
    if row is None or len(row) < 6 or len(row) % 2 or any(map(math.isnan, row)):
        return None
    x, y = row[::2], row[1::2]
    return [min(x), min(y), max(x) - min(x), max(y) - min(y)]
