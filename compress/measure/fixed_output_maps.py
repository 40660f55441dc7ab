"""Maps that keep the box where it is, whatever the head."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from compress.core import TrackerSpec
from compress.geometry import Maps

Array = NDArray[np.float32]


def fixed_output_maps(spec: TrackerSpec) -> Maps:
    """What the head of a tracker puts out, with a batch of one, where the target is centred and as large as before.

    The box is that of the last frame, so it covers 1 / `search_factor` of the search crop if it is a square.
    """
    shapes = {name: (1, *shape) for name, shape in spec.maps.items()}
    if "score_map" in shapes:
        return _centre(spec, shapes)
    low, high = (0.5 - 0.5 / spec.search_factor, 0.5 + 0.5 / spec.search_factor)
    sides = {"l": low, "t": low, "r": high, "b": high}
    coverage = {"tl": low, "br": high}
    maps: dict[str, Array] = {}
    for name, shape in shapes.items():
        where = name.removeprefix("prob_")
        if where in coverage:
            line = _peak(shape[-1], coverage[where])
            maps[name] = np.outer(line, line)[None]
        else:
            maps[name] = _peak(shape[-1], sides[where])[None] if where in sides else np.full(shape, 2, np.float32)
    return maps


def _centre(spec: TrackerSpec, shapes: dict[str, tuple[int, ...]]) -> Maps:
    n = spec.grid
    score = np.full(shapes["score_map"], 1e-4, np.float32)
    score[0, 0, n // 2, n // 2] = 0.9
    size = np.full(shapes["size_map"], 1 / spec.search_factor, np.float32)
    offset = np.full(shapes["offset_map"], n / 2 - n // 2, np.float32)
    return {"score_map": score, "size_map": size, "offset_map": offset}


def _peak(bins: int, at: float) -> Array:
    """A distribution over coordinates i / `bins` whose mean is `at`, or the last coordinate where it is beyond."""
    place = min(at * bins, bins - 1)
    below = min(math.floor(place), bins - 2)
    line = np.zeros(bins, np.float32)
    line[below : below + 2] = below + 1 - place, place - below
    return line
