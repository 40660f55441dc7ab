"""A tracker that needs no weights and no torch: it follows what is bright. Other processes can load it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from compress.core import TrackerSpec, describe
from compress.geometry import LoopSettings, Network, NetworkOutput

SETTINGS = LoopSettings(template_size=64, search_size=128, template_factor=2.0, search_factor=4.0, grid=8)


class BrightestCell:
    """A network in numpy: the score is the brightness of a cell, offset and size those of the bright pixels."""

    def encode_template(self, template: Any, template_box: Any, online_template: Any = None) -> Any:
        """Nothing: it looks for what is bright."""
        return None

    def track(self, search: NDArray[np.float32], memory: Any) -> NetworkOutput:
        """See `compress.geometry.Network`."""
        bright = (search[0].mean(axis=0) > 0).astype(np.uint8)
        x, y, w, h = cv2.boundingRect(bright)
        score = bright.reshape(8, 16, 8, 16).mean(axis=(1, 3), dtype=np.float32)
        cells = np.arange(8, dtype=np.float32)
        offset = np.stack(
            [
                np.broadcast_to((x + w / 2) / 16 - cells, (8, 8)),
                np.broadcast_to(((y + h / 2) / 16 - cells)[:, None], (8, 8)),
            ]
        ).astype(np.float32)
        size = np.broadcast_to(np.array([w, h], np.float32)[:, None, None] / 128, (2, 8, 8))
        return NetworkOutput({"score_map": score[None, None], "size_map": size[None], "offset_map": offset[None]})  # type: ignore[dict-item]


@dataclass(frozen=True)
class BrightestCellTracker:
    """It as `compress.evaluate.EvaluatedTracker`, and as what other processes load.

    Args:
        weights: What its weights are known by.
        killed_at: A process in which it has been asked for so many frames ends as if killed; 0 for none.
    """

    weights: str = "bright"
    killed_at: int = 0
    threads: int = 1
    settings: LoopSettings = SETTINGS
    runtime: ClassVar[str] = "numpy"

    @property
    def spec(self) -> TrackerSpec:
        """That of a tracker whose id serves here."""
        return describe("ostrack-nano")

    def network(self) -> Network:
        """See `EvaluatedTracker`."""
        return _Killed(self.killed_at) if self.killed_at else BrightestCell()

    def stored(self, folder: Path, worker: int) -> BrightestCellTracker:
        """See `EvaluatedTracker`."""
        return self

    def load(self) -> BrightestCellTracker:
        """See `StoredTracker`."""
        return self


class _Killed(BrightestCell):
    def __init__(self, frames: int) -> None:
        self._left = frames

    def track(self, search: NDArray[np.float32], memory: Any) -> NetworkOutput:
        self._left -= 1
        if not self._left:
            os.kill(os.getpid(), SIGKILL)
        return super().track(search, memory)
