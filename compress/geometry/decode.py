"""From the head's maps to a box in the frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

_MARGIN = 10


def decode(
    maps: Mapping[str, NDArray[np.float32]], window: NDArray[np.float32] | None = None
) -> tuple[NDArray[np.float32], float]:
    """The box at the peak of window · score; the first cell in row-major order wins a tie.

    Args:
        maps: `score_map` (1, 1, N, N), `size_map` and `offset_map` (1, 2, N, N).
        window: (N, N), or None for the peak of the score itself.

    Returns:
        (4,) float32 centre x, centre y, w, h over the crop's side, and the unwindowed score of that cell.
    """
    score = maps["score_map"][0, 0]
    n = score.shape[-1]
    row, col = divmod(int(np.argmax(score if window is None else score * window)), n)
    size, offset = maps["size_map"][0, :, row, col], maps["offset_map"][0, :, row, col]
    centre = (np.array([col, row], dtype=np.float32) + offset) / np.float32(n)
    return np.concatenate([centre, size]).astype(np.float32, copy=False), float(score[row, col])


def map_back(
    box: NDArray[np.float32], previous: Sequence[float], *, resize_factor: float, search_size: int
) -> list[float]:
    """A normalised (cx, cy, w, h) of the search crop as x, y, w, h in frame pixels.

    Args:
        previous: The x, y, w, h box the crop was centred on. Its unrounded centre is used although the crop's
            origin was rounded, as in the published code.
    """
    scaled = np.asarray(box, np.float32) * np.float32(search_size) / np.float32(resize_factor)
    cx, cy, w, h = scaled.tolist()
    x, y, pw, ph = previous
    half = 0.5 * search_size / resize_factor
    return [cx + (x + 0.5 * pw - half) - 0.5 * w, cy + (y + 0.5 * ph - half) - 0.5 * h, w, h]


def clip_box(box: Sequence[float], width: int, height: int, *, margin: int = _MARGIN) -> list[float]:
    """Keep an x, y, w, h box inside the frame and at least `margin` pixels wide and high."""
    x, y, w, h = box
    # x2 and y2 come from the unclamped corner.
    x1, x2 = min(max(0, x), width - margin), min(max(margin, x + w), width)
    y1, y2 = min(max(0, y), height - margin), min(max(margin, y + h), height)
    return [x1, y1, max(margin, x2 - x1), max(margin, y2 - y1)]
