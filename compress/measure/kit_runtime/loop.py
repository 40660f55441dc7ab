"""The frame loop around a network, for timing alone: its answers are thrown away. This file travels in kits.

It costs what `compress.geometry` costs, operation by operation; where there is no OpenCV, frames are cropped in numpy.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""ImageNet's, as everywhere."""


class Loop:
    """One frame on each call.

    Args:
        settings: `frame` (height, width), `search_size`, `search_factor`, `grid`, and the head's `maps` (shapes).
        network: Takes a (1, 3, S, S) crop; None for the loop's own cost.
        opencv: False crops in numpy even where there is OpenCV.
    """

    def __init__(self, settings: dict[str, Any], network: Callable[[Any], object] | None, opencv: bool = True) -> None:
        self._network = network
        self._cv2 = _opencv() if opencv else None
        self._size, self._factor = int(settings["search_size"]), float(settings["search_factor"])
        rng = np.random.default_rng(0)
        height, width = settings["frame"]
        self._frame = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        side = height / 5
        self._box = [(width - side) / 2, (height - side) / 2, side, side]
        self._window = _hann(settings["grid"])
        self._maps = {name: np.full((1, *shape), 0.1, np.float32) for name, shape in settings["maps"].items()}
        levels = np.arange(256, dtype=np.float32) / np.float32(255)
        self._tables = [(levels - np.float32(MEAN[i])) / np.float32(STD[i]) for i in range(3)]

    def __call__(self) -> None:
        x, y, w, h = (float(v) for v in np.asarray(self._box).tolist())
        side = math.ceil(math.sqrt(w * h) * self._factor) if all(map(math.isfinite, (x, y, w, h))) else 0
        crop = self.crop(self._frame, round(x + 0.5 * w - side * 0.5), round(y + 0.5 * h - side * 0.5), side)
        if self._network is not None:
            self._network(crop)
        box, score = decode(self._maps, self._window)
        if np.isfinite(box).all() and np.isfinite(score):
            np.array(_clipped(self._mapped_back(box, side), *self._frame.shape[1::-1]), np.float64)

    def crop(self, frame: Any, left: int, top: int, side: int) -> Any:
        """A square inside of a frame as the network's (1, 3, S, S) input."""
        patch = frame[top : top + side, left : left + side]
        out = np.empty((1, 3, self._size, self._size), np.float32)
        if self._cv2 is None:
            image = _resized(patch, self._size)
            for i in range(3):
                np.take(self._tables[i], image[:, :, i], out=out[0, i])
            return out
        planes = self._cv2.split(self._cv2.resize(patch, (self._size, self._size)))
        for i in range(3):
            self._cv2.LUT(planes[i], self._tables[i], out[0, i])
        return out

    def _mapped_back(self, box: Any, side: int) -> list[float]:
        scaled = box * np.float32(self._size) / np.float32(self._size / side)
        cx, cy, w, h = scaled.tolist()
        x, y, pw, ph = self._box
        return [cx + (x + 0.5 * pw - side / 2) - 0.5 * w, cy + (y + 0.5 * ph - side / 2) - 0.5 * h, w, h]


def decode(maps: dict[str, Any], window: Any) -> tuple[Any, float]:
    """(4,) centre x, centre y, w, h over the crop's side and a score, as `compress.geometry.decode` finds them."""
    if "score_map" in maps:
        score = maps["score_map"][0, 0]
        n = score.shape[-1]
        row, col = divmod(int(np.argmax(score * window)), n)
        size, offset = maps["size_map"][0, :, row, col], maps["offset_map"][0, :, row, col]
        centre = (np.array([col, row], np.float32) + offset) / np.float32(n)
        return np.concatenate([centre, size]).astype(np.float32, copy=False), float(score[row, col])
    if "prob_tl" in maps:
        sides = [_mean(maps[name][0].sum(axis=axis)) for name in ("prob_tl", "prob_br") for axis in (0, 1)]
    else:
        sides = [_mean(maps["prob_" + side][0]) for side in "ltrb"]
    x1, y1, x2, y2 = sides
    return np.array([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1], np.float32), _confidence(maps)


def _confidence(maps: dict[str, Any]) -> float:
    if "pred_scores" in maps:
        return 0.5 + 0.5 * float(np.tanh(0.5 * float(maps["pred_scores"].reshape(()))))
    return float(np.mean([distribution.max() for distribution in maps.values()]))


def _clipped(box: list[float], width: int, height: int) -> list[float]:
    x, y, w, h = box
    x1, x2 = min(max(0, x), width - 10), min(max(10, x + w), width)
    y1, y2 = min(max(0, y), height - 10), min(max(10, y + h), height)
    return [x1, y1, max(10, x2 - x1), max(10, y2 - y1)]


def _mean(distribution: Any) -> float:
    bins = len(distribution)
    return float(distribution @ np.arange(bins, dtype=np.float32)) / bins


def _hann(n: int) -> Any:
    line = 0.5 * (1 - np.cos(2 * np.pi / (n + 1) * np.arange(1, n + 1)))
    return np.outer(line, line).astype(np.float32)


def _resized(patch: Any, size: int) -> Any:
    """Bilinear, without OpenCV."""
    places = (np.arange(size) + 0.5) * (len(patch) / size) - 0.5
    low = np.clip(np.floor(places).astype(np.intp), 0, len(patch) - 1)
    high = np.minimum(low + 1, len(patch) - 1)
    share = np.clip(places - low, 0, 1).astype(np.float32)
    rows = patch[low] * (1 - share)[:, None, None] + patch[high] * share[:, None, None]
    found = rows[:, low] * (1 - share)[None, :, None] + rows[:, high] * share[None, :, None]
    return np.rint(found).astype(np.uint8)


def _opencv() -> Any:
    try:
        import cv2
    except ImportError:
        return None
    return cv2
