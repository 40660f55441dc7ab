"""Where a search crop is cut in training: around a box that is a little wrong, as a tracker's own last one is."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def jittered(rng: np.random.Generator, box: NDArray[np.float64]) -> NDArray[np.float64]:
    """A box (x, y, w, h) off by OSTrack's training jitter.

    Sides are multiplied by exp(0.25·N(0, 1)), cut at 2.5 deviations; then the centre moves by up to 1.5 times the
    square root of the new area along each axis.
    """
    out = box.copy()
    out[2:] *= np.exp(0.25 * np.clip(rng.standard_normal(2), -2.5, 2.5))
    reach = 3.0 * math.sqrt(out[2] * out[3])
    out[:2] = box[:2] + box[2:] / 2 + reach * (rng.random(2) - 0.5) - out[2:] / 2
    return out
