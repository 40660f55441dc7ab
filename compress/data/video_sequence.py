"""A video file as a `Sequence`: its frames are decoded in order, as seeking in a video is exact in few formats."""

from __future__ import annotations

from functools import cached_property
from threading import Lock

import cv2
import numpy as np
from numpy.typing import NDArray

from compress.core import FileError
from compress.core.opening import regular_file
from compress.core.scratch import native_path
from compress.data.recorded_sequence import Annotate, Annotated, Annotations, SequenceFiles
from compress.geometry import MAX_PIXELS

_MOST_FRAMES = 2**17
"""Of a video whose header does not say, an hour of 30 frames per second; bounds its annotation file."""
_INEXACT = 2
"""Frames that the header of a video may be off by: some containers know their duration only."""


class VideoSequence(Annotated):
    """Frames of a video, as many as there are boxes. One frame and the decoder's place are kept.

    Asking for frames in order decodes each once. Asking for one before the last decodes from the start again.

    Args:
        files: `images` is the video.
        annotate: Reads its annotations; one of a module.
    """

    def __init__(self, files: SequenceFiles, annotate: Annotate) -> None:
        self.name, self.files, self._annotate = files.name, files, annotate
        self._capture: cv2.VideoCapture | None = None
        self._decoded, self._frame = 0, np.zeros((0, 0, 3), np.uint8)
        self._size: tuple[int, ...] | None = None
        self._lock = Lock()

    def __reduce__(self) -> tuple[type[VideoSequence], tuple[SequenceFiles, Annotate]]:
        return type(self), (self.files, self._annotate)

    def __len__(self) -> int:
        return len(self.annotations.boxes)

    @cached_property
    def annotations(self) -> Annotations:
        """What its annotation file says, held to the number of frames that the video states.

        Raises:
            FileError: the file is missing or damaged, there is no video, or they are of different lengths.
        """
        capture = self._opened()
        stated = capture.get(cv2.CAP_PROP_FRAME_COUNT)  # 0, negative or huge where the container does not say
        capture.release()
        known = 0 < stated < _MOST_FRAMES
        found = self._annotate(self.files, int(stated) if known else _MOST_FRAMES)
        if known and abs(len(found.boxes) - stated) > _INEXACT:
            raise FileError(
                f"{self.files.annotations[0]} has {len(found.boxes)} boxes but {self.files.images} has {stated:.0f} "
                "frames. Each needs the other."
            )
        return found

    def frame(self, index: int, /) -> NDArray[np.uint8]:
        """(H, W, 3) RGB.

        Raises:
            FileError: the video ends before, is damaged there, or its size changes.
            IndexError: no frame of the sequence.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"{self.name} has no frame {index}, but {len(self)}")
        with self._lock:
            if index != self._decoded - 1:
                self._go_to(index)
                self._frame = self._next()
            return self._frame.copy()

    def _go_to(self, index: int) -> None:
        if self._capture is None or index < self._decoded:
            if self._capture is not None:
                self._capture.release()
            self._capture, self._decoded = self._opened(), 0
        while self._decoded < index:
            if not self._capture.grab():
                raise self._ended()
            self._decoded += 1

    def _next(self) -> NDArray[np.uint8]:
        assert self._capture is not None
        good, image = self._capture.read()
        if not good:
            raise self._ended()
        self._size = self._size or image.shape
        if image.shape != self._size:
            self._capture.release()
            self._capture = None  # which stands behind this frame now
            raise FileError(
                f"Frame {self._decoded + 1} of {self.files.images} is {image.shape[1]}x{image.shape[0]} but the one "
                f"before is {self._size[1]}x{self._size[0]}. Give frames of one size."
            )
        self._decoded += 1
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)  # type: ignore[return-value]

    def _opened(self) -> cv2.VideoCapture:
        path = self.files.images
        regular_file(path, "video", advice="Check the spelling.")
        with native_path(path.absolute()) as native:  # absolute, since FFmpeg takes `x:y` for a protocol
            capture = cv2.VideoCapture(str(native), cv2.CAP_FFMPEG)
        pixels = capture.get(cv2.CAP_PROP_FRAME_WIDTH) * capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
        if not capture.isOpened() or not 0 < pixels <= MAX_PIXELS:
            capture.release()
            raise FileError(
                f"OpenCV can read no frame of {path}: it is no video, is damaged, too large, or needs a codec that is "
                "not installed. Convert it to mp4 (H.264), or unpack it into a folder of images."
            )
        return capture

    def _ended(self) -> FileError:
        place = self._decoded
        self._capture, self._decoded = None, 0
        return FileError(
            f"{self.files.images} ends after {place} frames, or is damaged there, but {self.files.annotations[0]} has "
            f"{len(self)} boxes. Each needs the other."
        )
