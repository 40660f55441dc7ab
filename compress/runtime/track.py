"""Following one object through frames, timed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compress.core import ExecutionPath
from compress.geometry import AnyNetwork, AnySettings, Prediction, frame_tracker
from compress.runtime.frames import Frame


@dataclass(frozen=True)
class Step:
    """One frame: its picture, box (4,) x, y, w, h in pixels, score, and milliseconds from crop to decoded box.

    The first step holds the initial box and a score of 1; its time is that of the template. Where the template was
    renewed after a frame, that is part of the frame's time. `path` is that through an adaptive tracker; None in the
    first step and for other trackers.
    """

    frame: Frame
    box: NDArray[np.float64]
    score: float
    ms: float
    renewed: bool = False
    path: ExecutionPath | None = None


def track(network: AnyNetwork, settings: AnySettings, frames: Iterable[Frame], init: ArrayLike) -> Iterator[Step]:
    """Follow the object in `init` (x, y, w, h in pixels of the first frame).

    Raises:
        UsageError: the box has no area, is not finite or lies outside of the first frame.
    """
    tracker = frame_tracker(network, settings)
    for i, frame in enumerate(frames):
        start = time.perf_counter()
        if i == 0:
            tracker.start(frame, init)
            found = Prediction(np.asarray(init, dtype=np.float64), 1.0)
        else:
            found = tracker.update(frame)
        yield Step(frame, found.box, found.score, (time.perf_counter() - start) * 1000, found.renewed, found.path)


def speed(ms: list[float]) -> dict[str, Any]:
    """`mean_ms`, `p50_ms`, `p99_ms` and `fps` of the times per frame; all None where there are none."""
    if not ms:
        return {"mean_ms": None, "p50_ms": None, "p99_ms": None, "fps": None}
    mean = float(np.mean(ms))
    p50, p99 = (float(v) for v in np.percentile(ms, [50, 99]))
    return {"mean_ms": mean, "p50_ms": p50, "p99_ms": p99, "fps": 1000.0 / mean}
