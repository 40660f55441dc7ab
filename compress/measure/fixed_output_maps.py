"""Maps that keep the box where it is, whatever the head. This module is packed into kits: Python 3.8 and numpy."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from compress.geometry.network import Maps
    from compress.geometry.settings import LoopSettings

    Array = NDArray[np.float32]


def fixed_output_maps(shapes: Mapping[str, Sequence[int]], settings: LoopSettings) -> Maps:
    """What the head of a tracker puts out, with a batch of one, where the target is centred and as large as before.

    The box is that of the last frame, so it covers 1 / `search_factor` of the search crop if it is a square.

    Args:
        shapes: As `TrackerSpec.maps`.
    """
    batched = {name: (1, *shape) for name, shape in shapes.items()}
    if "score_map" in batched:
        return _centre(batched, settings)
    low, high = (0.5 - 0.5 / settings.search_factor, 0.5 + 0.5 / settings.search_factor)
    corners = {"prob_tl": low, "prob_br": high}
    sides = {"prob_l": low, "prob_t": low, "prob_r": high, "prob_b": high}
    maps: dict[str, Array] = {}
    for name, shape in batched.items():
        if name in corners:
            line = _peak(shape[-1], corners[name])
            maps[name] = np.outer(line, line)[None]
        else:
            maps[name] = _peak(shape[-1], sides[name])[None] if name in sides else np.full(shape, 2, np.float32)
    return maps


def _centre(shapes: Mapping[str, tuple[int, ...]], settings: LoopSettings) -> Maps:
    n = settings.grid
    score = np.full(shapes["score_map"], 1e-4, np.float32)
    score[0, 0, n // 2, n // 2] = 0.9
    size = np.full(shapes["size_map"], 1 / settings.search_factor, np.float32)
    offset = np.full(shapes["offset_map"], n / 2 - n // 2, np.float32)
    return {"score_map": score, "size_map": size, "offset_map": offset}


def _peak(bins: int, at: float) -> Array:
    """A distribution over coordinates i / `bins` whose mean is `at`, or the last coordinate where it is beyond."""
    place = min(at * bins, bins - 1)
    below = min(math.floor(place), bins - 2)
    line = np.zeros(bins, np.float32)
    line[below : below + 2] = below + 1 - place, place - below
    return line
