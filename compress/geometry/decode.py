"""From the head's maps to a box in the frame, and the window over the score map that favours small motion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

_MARGIN = 10


@lru_cache(maxsize=None)
def hann_window(n: int) -> NDArray[np.float32]:
    """The (n, n) outer product of ½(1 − cos(2πk/(n+1))), k = 1…n; read-only, above 0 at the edges."""
    k = np.arange(1, n + 1, dtype=np.float32)
    line = np.float32(0.5) * (1 - np.cos(np.float32(2 * np.pi / (n + 1)) * k))
    window = np.outer(line, line)
    window.setflags(write=False)
    return window


def decode(maps: Mapping[str, Array], window: Array | None = None) -> tuple[Array, float]:
    """The box in a head's maps (`TrackerSpec.maps`, with a batch of one), whatever the head.

    Centre: the box at the peak of window · score; the first cell in row-major order wins a tie. Corner and pyramid:
    the mean column and row of each corner's distribution (STARK). Tokens: the mean coordinate of each side's
    distribution (MixFormerV2). Means are of index / bins, so coordinates end at (bins − 1) / bins. Corners and sides
    may come out crossed, which makes w or h negative.

    Args:
        window: (N, N) for a centre head, None for the peak of the score itself. Distributions are never windowed.

    Returns:
        (4,) float32 centre x, centre y, w, h over the crop's side, and a score in [0, 1]: the unwindowed one of the
        peak's cell; of the score head; without either the mean height of the distributions' peaks.
    """
    if "score_map" in maps:
        return _centre(maps, window)
    corners = _corners(maps) if "prob_tl" in maps else [_mean(maps[f"prob_{side}"][0]) for side in "ltrb"]
    x1, y1, x2, y2 = corners
    box = np.array([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1], dtype=np.float32)
    return box, _confidence(maps)


def map_back(box: Array, previous: Sequence[float], *, resize_factor: float, search_size: int) -> list[float]:
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
    """Keep an x, y, w, h box inside the frame and at least `margin` pixels wide and high, w or h below 0 included."""
    x, y, w, h = box
    # x2 and y2 come from the unclamped corner.
    x1, x2 = min(max(0, x), width - margin), min(max(margin, x + w), width)
    y1, y2 = min(max(0, y), height - margin), min(max(margin, y + h), height)
    return [x1, y1, max(margin, x2 - x1), max(margin, y2 - y1)]


def _centre(maps: Mapping[str, Array], window: Array | None) -> tuple[Array, float]:
    score = maps["score_map"][0, 0]
    n = score.shape[-1]
    row, col = divmod(int(np.argmax(score if window is None else score * window)), n)
    size, offset = maps["size_map"][0, :, row, col], maps["offset_map"][0, :, row, col]
    centre = (np.array([col, row], dtype=np.float32) + offset) / np.float32(n)
    return np.concatenate([centre, size]).astype(np.float32, copy=False), float(score[row, col])


def _corners(maps: Mapping[str, Array]) -> list[float]:
    """x1, y1, x2, y2 from (1, n, n) maps, rows first."""
    pairs = (maps["prob_tl"][0], maps["prob_br"][0])
    return [_mean(corner.sum(axis=axis)) for corner in pairs for axis in (0, 1)]


def _mean(distribution: Array) -> float:
    bins = len(distribution)
    return float(distribution @ np.arange(bins, dtype=np.float32)) / bins


def _confidence(maps: Mapping[str, Array]) -> float:
    if "pred_scores" in maps:
        # tanh, unlike exp, cannot overflow.
        return 0.5 + 0.5 * float(np.tanh(0.5 * float(maps["pred_scores"].reshape(()))))
    return float(np.mean([distribution.max() for distribution in maps.values()]))
