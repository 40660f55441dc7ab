"""The frame loop around any network: one copy for training, evaluation and deployment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from compress.core.errors import CompressError, UsageError
from compress.geometry.boxes import check_box
from compress.geometry.crop import preprocess
from compress.geometry.decode import clip_box, decode, hann_window, map_back
from compress.geometry.templates import Templates

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from compress.core.execution_path import ExecutionPath
    from compress.geometry.network import Network, NetworkOutput
    from compress.geometry.settings import LoopSettings

    Cut = Callable[[NDArray[np.uint8], ArrayLike, float, int], tuple[NDArray[np.float32], float]]


@dataclass(frozen=True)
class Prediction:
    """What was found in a frame.

    Attributes:
        box: (4,) float64 x, y, w, h in frame pixels.
        score: In [0, 1]: the IoU that the exit taken expects of this box; without exits see `decode`.
        renewed: The online templates have changed after this frame.
        path: The path the frame took through an adaptive tracker; None for others.
        fast_score: Of a cascade the fast tracker's score, which decided whose answer this is; None for others.
    """

    box: NDArray[np.float64]
    score: float
    renewed: bool = False
    path: ExecutionPath | None = None
    fast_score: float | None = None


class FrameTracker:
    """Follows one object: `start` on the first frame, `update` on each later one.

    Args:
        cut: Makes search crops, as `preprocess` does.
    """

    def __init__(self, network: Network, settings: LoopSettings, cut: Cut = preprocess) -> None:
        self._network = network
        self._settings = settings
        self._cut = cut
        self._window = hann_window(settings.grid)
        self._templates: Templates | None = None
        self._memory: Any = None
        self._box: list[float] = []
        self._factor = 1.0

    def start(self, frame: NDArray[np.uint8], box: ArrayLike) -> None:
        """Take the object in `box` (x, y, w, h in pixels) of an (H, W, 3) uint8 RGB frame as the one to follow.

        Raises:
            UsageError: the box has no area, is not finite or lies outside of the frame; or the frame is no RGB image.
        """
        height, width = _frame_size(frame)
        checked = check_box(box, width, height)
        self._templates = Templates(frame, checked, self._settings)
        self._memory = self._templates.encoded(self._network)
        self._box = checked.tolist()

    @property
    def memory(self) -> Any:
        """What the network made of the templates; another object once they were encoded again."""
        return self._memory

    def update(self, frame: NDArray[np.uint8]) -> Prediction:
        """Find the object in the next frame; where a template update follows, the templates are encoded again.

        Raises:
            CompressError: the network's maps or score are not finite.
            UsageError: before `start`, or the frame is no RGB image.
        """
        return self.take(frame, self._network.track(self.crop(frame), self._memory))

    def crop(self, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The first half of `update`: the (1, 3, S, S) search crop that the network tracks in, against `memory`.

        Raises:
            UsageError: before `start`, or the frame is no RGB image.
        """
        if self._templates is None:
            raise UsageError("FrameTracker.update was called before start; call start with the first frame and box.")
        _frame_size(frame)
        s = self._settings
        search, self._factor = self._cut(frame, self._box, s.search_factor, s.search_size)
        return search

    def take(self, frame: NDArray[np.uint8], answer: NetworkOutput) -> Prediction:
        """The second half of `update`: what the network's answer about the last `crop` says about that frame.

        Raises:
            CompressError: the network's maps or score are not finite.
        """
        assert self._templates is not None, "crop first"
        self._box, score = self._decoded(frame, answer)
        renewed = self._templates.step(frame, self._box, score)
        if renewed:
            self._memory = self._templates.encoded(self._network)
        return Prediction(np.array(self._box, dtype=np.float64), score, renewed, answer.path)

    def move(self, box: NDArray[np.float64]) -> None:
        """Search around this (4,) x, y, w, h from now on, which another tracker found in the last frame."""
        self._box = box.tolist()

    def _decoded(self, frame: NDArray[np.uint8], answer: NetworkOutput) -> tuple[list[float], float]:
        box, score = decode(answer.maps, self._window)
        score = score if answer.score is None else answer.score
        if not (np.isfinite(box).all() and np.isfinite(score)):
            raise CompressError(
                f"The network's box or score is not finite ({box.tolist()}, {score}): its weights are damaged or its "
                "training diverged. Load other weights or train it again."
            )
        mapped = map_back(box, self._box, resize_factor=self._factor, search_size=self._settings.search_size)
        return clip_box(mapped, *_frame_size(frame)[::-1]), score


def _frame_size(frame: NDArray[np.uint8]) -> tuple[int, int]:
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
        raise UsageError(f"A frame must be (height, width, 3) uint8 RGB but is {frame.shape} {frame.dtype}.")
    return frame.shape[0], frame.shape[1]
