"""An mp4 with the box, the score and the speed drawn into every frame."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from compress.core import FileError, UsageError
from compress.core.writing import writing

_FPS = 30.0
_GREEN, _BLACK, _WHITE = (80, 220, 60), (0, 0, 0), (255, 255, 255)


def check_suffix(path: Path) -> None:
    """Raises `UsageError` unless `path` ends in `.mp4`, the only kind written."""
    if path.suffix.lower() != ".mp4":
        raise UsageError(f"Drawn videos are written as .mp4, but the name is {path.name!r}. End it in .mp4.")


def writable_rate(fps: float) -> float:
    """The nearest rate that MPEG-4 can hold: a fraction of whole numbers below 65,536, of a power of ten as OpenCV has.

    It is off by less than a hundredth of a frame per second up to 655.
    """
    if not math.isfinite(fps):
        return _FPS
    fps = min(max(fps, 0.01), 65_535.0)
    return next(rate for digits in (3, 2, 1, 0) if (rate := round(fps, digits)) * 10**digits <= 65_535)


class BoxVideo:
    """Frames of `size` (width, height), written to `path` at about `fps`. Use `box_video`."""

    def __init__(self, path: Path, *, size: tuple[int, int], fps: float) -> None:
        self._writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), writable_rate(fps), size)
        self.written = 0
        if not self._writer.isOpened():
            raise FileError(
                f"OpenCV cannot write an mp4 of {size[0]}x{size[1]} pixels. Track without drawing, or give frames of "
                "another size."
            )

    def write(self, frame: NDArray[np.uint8], box: NDArray[np.float64], label: str) -> None:
        """Add an (H, W, 3) RGB frame with an x, y, w, h box and lines of ASCII text."""
        self._writer.write(_drawn(frame, box, label))
        self.written += 1

    def close(self) -> None:
        """End the file."""
        self._writer.release()


@contextmanager
def box_video(path: Path, *, size: tuple[int, int], fps: float) -> Iterator[BoxVideo]:
    """A `BoxVideo` that appears at `path` whole when the block ends well, and not at all otherwise.

    Raises:
        UsageError: `path` does not end in `.mp4`.
        FileError: the video cannot be written, or not whole.
    """
    check_suffix(path)
    with writing(path) as temporary:
        video = BoxVideo(temporary, size=size, fps=fps)
        try:
            yield video
        finally:
            video.close()
        # OpenCV's writer reports no error on a full disk; reading back does.
        found = _frame_count(temporary)
        if found != video.written:
            raise FileError(
                f"Only {found} of {video.written} frames could be written to {path}: the disk may be full. "
                "Free some space or choose another place."
            )


def _drawn(frame: NDArray[np.uint8], box: NDArray[np.float64], label: str) -> np.ndarray:
    image = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
    height = image.shape[0]
    x, y, w, h = (round(float(v)) for v in box)
    line = max(1, height // 240)
    cv2.rectangle(image, (x, y), (x + w, y + h), _BLACK, line + 2)
    cv2.rectangle(image, (x, y), (x + w, y + h), _GREEN, line)
    top = 0
    for text in label.split("\n"):
        top = _write(image, text, top, line=line, scale=max(0.4, height / 900))
    return image


def _write(image: np.ndarray, text: str, top: int, *, line: int, scale: float) -> int:
    """Write one line of text at the left, from row `top` on; returns the row below it."""
    place = (line * 4, top + round(30 * scale))
    # A ground behind it, not an outline: OpenCV 5 spaces thick letters differently from thin ones.
    (wide, _), base = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, line)
    below = place[1] + base
    cv2.rectangle(image, (0, top), (place[0] * 2 + wide, below), _BLACK, -1)
    cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, _WHITE, line, cv2.LINE_AA)
    return below


def _frame_count(path: Path) -> int:
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    count = round(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if capture.isOpened() else 0
    capture.release()
    return count
