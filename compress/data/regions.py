"""Regions of the VOT challenges, and the boxes around them: rectangles, polygons, and masks written as runs."""

from __future__ import annotations

import math
import re

import numpy as np
from numpy.typing import NDArray

from compress.data.annotation_text import FARTHEST

_ABSENT = [0.0] * 4
_MASK = re.compile(r"m-?[0-9]{1,7}")


def region_box(row: list[str]) -> list[float] | None:
    """The box x, y, w, h around a region, given as the fields of its line.

    Returns:
        Zeros where the object is absent: a region of a single number, one with NaN in it, or an empty mask. None where
        this is no region.
    """
    if _MASK.fullmatch(row[0]):
        return _around_mask([row[0][1:], *row[1:]])
    numbers = _numbers(row)
    if numbers is None:
        return None
    if len(numbers) == 1 or (len(numbers) % 2 == 0 and any(map(math.isnan, numbers))):
        return _ABSENT
    if len(numbers) == 4:
        return numbers if min(numbers[2:]) >= 0 else None
    if len(numbers) < 6 or len(numbers) % 2:
        return None
    x, y = numbers[::2], numbers[1::2]
    return [min(x), min(y), max(x) - min(x), max(y) - min(y)]


def region_corners(rows: list[list[str]]) -> NDArray[np.float64] | None:
    """(n, 2k) corners x1, y1, x2, y2, … of regions that are all polygons of k corners; NaN where the object is absent.

    Returns:
        None where there are other regions, or polygons of different numbers of corners; and where there is none.
    """
    found = [_numbers(row) or [] for row in rows]
    known = {len(numbers) for numbers in found if len(numbers) != 1}
    if len(known) != 1 or (count := known.pop()) < 6 or count % 2:
        return None
    return np.array([numbers if len(numbers) == count else [math.nan] * count for numbers in found])


def _numbers(row: list[str]) -> list[float] | None:
    try:
        found = [float(part) for part in row]
    except ValueError:
        return None
    return found if all(math.isnan(value) or abs(value) <= FARTHEST for value in found) else None


def _around_mask(row: list[str]) -> list[float] | None:
    """Of `x,y,w,h,zeros,ones,zeros,…`: runs over the rows of a mask of w x h pixels whose corner is x, y."""
    numbers = _numbers(row)
    if numbers is None or len(numbers) < 5 or not all(math.isfinite(number) for number in numbers):
        return None
    x, y, width, height, *runs = map(int, numbers)
    if min(width, height, *runs) < 0:
        return None
    ends = np.cumsum(runs)
    first, last = ends[0:-1:2], ends[1::2] - 1  # pixels of each run of ones
    first = first[: len(last)]
    kept = last >= first
    first, last = first[kept], last[kept]
    if not len(first):
        return _ABSENT
    if last[-1] >= width * height:
        return None
    whole = bool((first // width != last // width).any())  # a run over the end of a row reaches both sides
    left, right = (0, width - 1) if whole else (int((first % width).min()), int((last % width).max()))
    top, bottom = int(first[0] // width), int(last[-1] // width)
    return [float(x + left), float(y + top), float(right - left + 1), float(bottom - top + 1)]
