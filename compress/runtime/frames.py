"""Frames of a video file, of a folder of images, or of one image, in RGB."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from compress.core import FileError
from compress.core.opening import regular_file
from compress.core.scratch import native_path
from compress.geometry import MAX_PIXELS, Pictures, is_image

# FFmpeg prints to stderr what the errors below explain better; its level is read once, when the first video of the
# process is opened. Containers that hold video themselves, since a playlist leads to other files and to the network.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
_CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,avi,matroska,webm,mpegts,mpeg,mpegvideo,m4v,h264,hevc,av1,obu,ivf,flv,asf,ogg,mxf,nut,"
    "yuv4mpegpipe,mjpeg,dv,rm,vc1,h263,gif"
)
os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", f"protocol_whitelist;file|format_whitelist;{_CONTAINERS}")

Frame = NDArray[np.uint8]


class FrameSource(Protocol):
    """What can be tracked: frames in order, with `fps` and `count` where they are known.

    Attributes:
        fps: Frames per second.
        count: How many frames there are or are said to be.
        files: What is read, and must not be written to.
    """

    fps: float | None
    count: int | None
    files: Sequence[Path]

    def __iter__(self) -> Iterator[Frame]: ...


class Frames:
    """Frames in order, all of one size; iterate once.

    Images are read as `Pictures` says. A video is turned as its header says.

    Attributes:
        fps: The video's frames per second; None for images, and where the file does not give it.
        count: Frames the folder holds or the file's header states; None where it states none.

    Raises:
        FileError: no such file or folder, nothing in it that can be read, or a frame of another size.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.fps: float | None = None
        self.count: int | None = None
        self.files: Sequence[Path] = [self.path]
        if self.path.is_dir():
            self._frames = self._pictures(Pictures.of_folder(self.path))
        elif is_image(self.path.name):
            self._frames = self._pictures(Pictures([self.path], str(path)))
        else:
            self._frames = self._video()

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

    def _pictures(self, pictures: Pictures) -> Iterator[Frame]:
        self.count, self.files = len(pictures), pictures.files
        return map(pictures.frame, range(len(pictures)))

    def _video(self) -> Iterator[Frame]:
        regular_file(self.path, "video or folder of images", advice="Check the spelling.")
        with native_path(self.path.absolute()) as path:  # absolute, since FFmpeg takes `x:y` for a protocol
            capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
        try:
            self._read_header(capture)
            ok, first = capture.read()
            if not ok:
                raise self._unreadable()
        except FileError:
            capture.release()
            raise
        return _decoded(capture, first)

    def _read_header(self, capture: cv2.VideoCapture) -> None:
        if not capture.isOpened():
            raise self._unreadable()
        width, height = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
        if width * height > MAX_PIXELS:
            raise FileError(f"{self.path} states frames of {width:.0f}x{height:.0f} pixels, more than {MAX_PIXELS:,}.")
        fps, count = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
        # Containers without a clock report 0, NaN or their time base, such as 90,000.
        self.fps = float(fps) if 0 < fps <= 1000 else None
        self.count = int(count) if 0 < count < 2**31 else None

    def _unreadable(self) -> FileError:
        return FileError(
            f"OpenCV can read no frame of {self.path}: it is no video, is damaged, or needs a codec that is not "
            "installed. Convert it to mp4 (H.264), or give a folder of images."
        )


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
