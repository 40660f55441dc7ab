"""Frames of a video file or of a folder of images, in RGB."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from compress.core import FileError
from compress.geometry import image_files, read_image

# OpenCV and its FFmpeg print to stderr what the errors below explain better; FFmpeg's level is read once,
# when the first video of the process is opened.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
_set_log_level: Callable[[int], object] = getattr(cv2, "setLogLevel", None) or cv2.utils.logging.setLogLevel
_set_log_level(2)  # errors only; OpenCV 5 has the function and its constants in another place

Frame = NDArray[np.uint8]


class FrameSource(Protocol):
    """What can be tracked: frames in order, with `fps` and `count` where they are known."""

    fps: float | None
    count: int | None

    def __iter__(self) -> Iterator[Frame]: ...


class Frames:
    """Frames in order, all of one size; iterate once.

    Attributes:
        fps: The video's frames per second; None for a folder, and where the file does not give it.
        count: Frames the folder holds or the file's header states; None where it states none.

    Raises:
        FileError: no such file or folder, nothing in it that can be read, or a frame of another size.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.fps: float | None = None
        self.count: int | None = None
        if self.path.is_dir():
            self._frames = self._folder()
        elif self.path.is_file():
            self._frames = self._video()
        else:
            raise FileError(f"There is no video or folder of images at {path}. Check the spelling.")

    def __iter__(self) -> Iterator[Frame]:
        first: tuple[int, ...] | None = None
        for i, frame in enumerate(self._frames):
            first = first or frame.shape
            if frame.shape != first:
                raise FileError(
                    f"Frame {i + 1} of {self.path} is {_size(frame.shape)} but the first is {_size(first)}. "
                    "Give frames of one size."
                )
            yield frame

    def _folder(self) -> Iterator[Frame]:
        files = image_files(self.path)
        if not files:
            raise FileError(f"There are no images (jpg, png, bmp) in {self.path}. Give a folder of frames or a video.")
        self.count = len(files)
        return map(read_image, files)

    def _video(self) -> Iterator[Frame]:
        capture = cv2.VideoCapture(str(self.path), cv2.CAP_FFMPEG)
        ok, first = capture.read()
        if not ok:
            raise FileError(
                f"OpenCV can read no frame of {self.path}: it is no video, is damaged, or needs a codec that is not "
                "installed. Convert it to mp4 (H.264), or give a folder of images."
            )
        fps, count = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
        # Containers without a clock report 0, NaN or their time base, such as 90,000.
        self.fps = float(fps) if 0 < fps <= 1000 else None
        self.count = int(count) if 0 < count < 2**31 else None
        return _decoded(capture, first)


def _decoded(capture: cv2.VideoCapture, first: np.ndarray) -> Iterator[Frame]:
    ok, image = True, first
    try:
        while ok:
            yield cv2.cvtColor(image, cv2.COLOR_BGR2RGB)  # type: ignore[misc]
            ok, image = capture.read()
    finally:
        capture.release()


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"
