"""A few frames any machine can draw, so that a bundle can be checked where it lands, without data or PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from compress.core import FileError
from compress.geometry import LoopSettings, Network
from compress.runtime.frames import Frame
from compress.runtime.track import track

SEED, LENGTH = 0, 10
TOLERANCE = 0.5
"""Largest difference in pixels that `compress verify` accepts."""
INIT = (60.0, 50.0, 48.0, 36.0)


def selftest_frames(seed: int = SEED, length: int = LENGTH) -> list[Frame]:
    """A textured rectangle, at `INIT` first, that moves over a textured ground: (160, 240, 3) uint8 each.

    Drawn with integers only, so every machine gets the same bytes.
    """
    rng = np.random.default_rng(seed)
    ground = _blocks(rng.integers(0, 120, (20, 30, 3), dtype=np.uint8), 8)
    target = _blocks(rng.integers(100, 256, (9, 12, 3), dtype=np.uint8), 4)
    frames = []
    for k in range(length):
        frame = ground.copy()
        x, y = int(INIT[0]) + 4 * k, int(INIT[1]) + 2 * k
        frame[y : y + target.shape[0], x : x + target.shape[1]] = target
        frames.append(frame)
    return frames


def selftest_record(network: Network, settings: LoopSettings) -> dict[str, Any]:
    """What `bundle.json` keeps: the frames' recipe and the boxes found on them."""
    return {"seed": SEED, "frames": LENGTH, "boxes": _boxes(network, settings).tolist()}


def selftest_difference(record: Any, network: Network, settings: LoopSettings) -> float:
    """Largest difference in pixels between the boxes of a `selftest_record` and those found now.

    Raises:
        FileError: the record is none.
    """
    if not isinstance(record, dict) or record.get("seed") != SEED or record.get("frames") != LENGTH:
        raise FileError("The bundle holds no self-test, so it cannot be verified by itself. Export it again.")
    found = _boxes(network, settings)
    try:
        expected = np.array(record.get("boxes"), dtype=np.float64)
    except (TypeError, ValueError):
        expected = np.empty(0)
    if expected.shape != found.shape or not np.isfinite(expected).all():
        raise FileError("The boxes of the bundle's self-test are damaged, so it cannot be verified. Export it again.")
    return float(np.abs(expected - found).max())


def _boxes(network: Network, settings: LoopSettings) -> NDArray[np.float64]:
    """(LENGTH − 1, 4): the boxes found, the initial one left out."""
    return np.stack([step.box for step in track(network, settings, selftest_frames(), INIT)][1:])


def _blocks(cells: NDArray[np.uint8], side: int) -> Frame:
    return np.repeat(np.repeat(cells, side, axis=0), side, axis=1)
