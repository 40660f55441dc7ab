"""The frame loop around any network: one copy for training, evaluation and deployment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compress.core import CompressError, TrackerSpec, UsageError
from compress.geometry.boxes import check_box
from compress.geometry.crop import preprocess
from compress.geometry.decode import clip_box, decode, map_back
from compress.geometry.window import hann_window

Maps: TypeAlias = Mapping[str, NDArray[np.float32]]
"""`score_map` (1, 1, N, N), `size_map` and `offset_map` (1, 2, N, N)."""


class Network(Protocol):
    """What the loop asks of a tracker, whatever runs it: torch, onnxruntime or numpy."""

    def encode_template(self, template: NDArray[np.float32], template_box: NDArray[np.float32] | None) -> Any:
        """Once per sequence.

        Args:
            template: (1, 3, T, T) normalised crop.
            template_box: (1, 4) x1, y1, x2, y2 over the crop's side; None for trackers without a target token.

        Returns:
            Whatever `track` needs; the loop only hands it on.
        """
        ...

    def track(self, search: NDArray[np.float32], memory: Any) -> Maps:
        """Once per frame: a (1, 3, S, S) normalised crop to the head's maps."""
        ...


@dataclass(frozen=True)
class LoopSettings:
    """The constants of the loop: sides of the crops in pixels, their factors, and cells on a side of the score map."""

    template_size: int
    search_size: int
    template_factor: float
    search_factor: float
    grid: int
    target_token: bool = False

    @classmethod
    def of(cls, spec: TrackerSpec) -> LoopSettings:
        return cls(
            template_size=spec.template_size,
            search_size=spec.search_size,
            template_factor=spec.template_factor,
            search_factor=spec.search_factor,
            grid=spec.grid,
            target_token=spec.target_token,
        )


@dataclass(frozen=True)
class Prediction:
    """A box, (4,) float64 x, y, w, h in frame pixels, and the unwindowed score of its cell in [0, 1]."""

    box: NDArray[np.float64]
    score: float


def template_box(box: ArrayLike, resize_factor: float, size: int) -> NDArray[np.float32]:
    """The target's (1, 4) x1, y1, x2, y2 in its own template crop, over the crop's side; not clamped (LiteTrack)."""
    half = 0.5 * np.asarray(box, dtype=np.float64)[2:] * resize_factor
    centre = (size - 1) / 2
    return (np.concatenate([centre - half, centre + half]) / size).astype(np.float32)[None]


class FrameTracker:
    """Follows one object: `start` on the first frame, `update` on each later one."""

    def __init__(self, network: Network, settings: LoopSettings) -> None:
        self._network = network
        self._settings = settings
        self._window = hann_window(settings.grid)
        self._memory: Any = None
        self._box: list[float] | None = None

    def start(self, frame: NDArray[np.uint8], box: ArrayLike) -> None:
        """Take the object in `box` (x, y, w, h in pixels) of an (H, W, 3) uint8 RGB frame as the one to follow.

        Raises:
            UsageError: the box has no area, is not finite or lies outside of the frame; or the frame is no RGB image.
        """
        height, width = _frame_size(frame)
        checked = check_box(box, width, height)
        s = self._settings
        template, factor = preprocess(frame, checked, s.template_factor, s.template_size)
        target = template_box(checked, factor, s.template_size) if s.target_token else None
        self._memory = self._network.encode_template(template, target)
        self._box = checked.tolist()

    def update(self, frame: NDArray[np.uint8]) -> Prediction:
        """Find the object in the next frame.

        Raises:
            CompressError: the network's maps are not finite.
            UsageError: before `start`, or the frame is no RGB image.
        """
        if self._box is None:
            raise UsageError("FrameTracker.update was called before start; call start with the first frame and box.")
        height, width = _frame_size(frame)
        s = self._settings
        search, factor = preprocess(frame, self._box, s.search_factor, s.search_size)
        box, score = decode(self._network.track(search, self._memory), self._window)
        if not (np.isfinite(box).all() and np.isfinite(score)):
            raise CompressError(
                f"The network's box is not finite ({box.tolist()}): its weights are damaged or its training diverged. "
                "Load other weights or train it again."
            )
        mapped = map_back(box, self._box, resize_factor=factor, search_size=s.search_size)
        self._box = clip_box(mapped, width, height)
        return Prediction(np.array(self._box, dtype=np.float64), score)


def _frame_size(frame: NDArray[np.uint8]) -> tuple[int, int]:
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
        raise UsageError(f"A frame must be (height, width, 3) uint8 RGB but is {frame.shape} {frame.dtype}.")
    return frame.shape[0], frame.shape[1]
