"""Overlap of regions as the VOT toolkit computes it: rasterised on whole pixels, inside the frame.

Source: votchallenge/toolkit, `vot/region/raster.py`. Coordinates are rounded (half to even); a rectangle covers `w` ×
`h` pixels from its corner on; a polygon covers, in each row, the pixels between its edges, both included, which makes
it up to a pixel larger than its area. Pixels outside the frame do not count.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compress.core import UsageError

Pixels = NDArray[np.int64]
Mask = NDArray[np.bool_]


def region_overlap(a: ArrayLike, b: ArrayLike, size: tuple[int, int]) -> float:
    """Intersection over union of two regions.

    Args:
        a, b: (4,) x, y, w, h of a rectangle, or (2n,) x1, y1, x2, y2, … of a polygon with n ≥ 3 corners; in pixels.
        size: (width, height) of the frame.

    Returns:
        In [0, 1]; 0 where both together are less than two pixels wide or high inside the frame, but 1 where they are
        so anywhere: two empty regions are alike.

    Raises:
        UsageError: neither form.
    """
    first, second = _Region(a), _Region(b)
    low, high = np.minimum(first.low, second.low), np.maximum(first.high, second.high)
    if (low >= high).any():
        return 1.0
    low, high = np.maximum(0, low), np.minimum(np.array(size) - 1, high)
    if (low >= high).any():
        return 0.0
    one, other = first.mask(low, high), second.mask(low, high)
    union = np.count_nonzero(one | other)
    return float(np.count_nonzero(one & other) / union) if union else 0.0


class _Region:
    """A region on whole pixels.

    Attributes:
        low, high: (2,) x, y of its first and last pixels.
    """

    def __init__(self, numbers: ArrayLike) -> None:
        values = np.asarray(numbers, dtype=np.float64)
        if values.ndim != 1 or len(values) < 4 or len(values) == 5 or len(values) % 2 or not np.isfinite(values).all():
            raise UsageError(f"A region must be x,y,w,h or x1,y1,x2,y2,x3,y3,… but is {np.array2string(values)[:80]}.")
        whole = np.rint(values.astype(np.float32)).astype(np.int64)  # the toolkit's precision
        self._corners = None if len(whole) == 4 else whole.reshape(-1, 2)
        if self._corners is None:
            self.low, self.high = whole[:2], whole[:2] + whole[2:] - 1
        else:
            self.low, self.high = self._corners.min(axis=0), self._corners.max(axis=0)

    def mask(self, low: Pixels, high: Pixels) -> Mask:
        """(h, w) the pixels from `low` to `high` that are in it."""
        width, height = high - low + 1
        found: Mask = np.zeros((height, width), dtype=bool)
        if self._corners is None:
            (x1, y1), (x2, y2) = np.maximum(self.low - low, 0), np.maximum(self.high - low + 1, 0)
            found[y1:y2, x1:x2] = True
            return found
        for y, nodes in _crossings(self._corners - low, height):
            for x1, x2 in _spans(nodes):
                found[y, max(0, x1) : max(0, x2 + 1)] = True
        return found


def _crossings(corners: Pixels, height: int) -> list[tuple[int, list[int]]]:
    """Each row with the columns, sorted, in which edges meet it; that of a corner twice, once for each of its edges."""
    ends = np.roll(corners, 1, axis=0)
    first, last = max(0, int(corners[:, 1].min())), min(height - 1, int(corners[:, 1].max()))
    rows = np.arange(first, last + 1)[:, None]
    (x, y), (run, rise) = corners.T, (ends - corners).T
    met = (np.minimum(y, ends[:, 1]) <= rows) & (rows <= np.maximum(y, ends[:, 1]))
    share = np.divide(rows - y, rise, out=np.zeros((len(rows), len(x))), where=rise != 0)
    columns = np.trunc(x + share * run).astype(np.int64)
    return [(first + k, sorted(columns[k][met[k]].tolist())) for k in range(len(rows))]


def _spans(nodes: list[int]) -> list[tuple[int, int]]:
    """The first and last columns of what a row has inside; of two equal nodes, as at a corner, one is left out."""
    found, i = [], 0
    while i < len(nodes) - 1:
        if nodes[i] == nodes[i + 1] and i < len(nodes) - 2:
            i += 1
            continue
        found.append((nodes[i], nodes[i + 1]))
        i += 2
    return found
