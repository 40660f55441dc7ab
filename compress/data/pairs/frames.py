"""Frames for crops: JPEG files decoded at the scale that a crop needs, and a few kept in memory."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from compress.data.sequence import Sequence
from compress.geometry import Pictures, ReducedFrame

CACHE_BYTES = 2**27
"""Decoded frames that a process keeps: 134 MB, 48 of 1280x720 at full size."""


class FrameCache:
    """The frames asked for last, up to a number of bytes; what comes out does not depend on what it holds.

    Args:
        most: Bytes; 0 keeps nothing.
    """

    def __init__(self, most: int = CACHE_BYTES) -> None:
        self._most, self._bytes, self._lock = most, 0, Lock()
        # A sequence is held as long as a frame of it is, so that no other one can come to its id.
        self._frames: OrderedDict[tuple[int, int, int], tuple[Sequence, ReducedFrame]] = OrderedDict()

    @property
    def bytes(self) -> int:
        """What the kept frames take."""
        return self._bytes

    def frame(self, sequence: Sequence, index: int, reduction: int) -> ReducedFrame:
        """A frame of a sequence at 1/`reduction` of its scale, or at full scale where that is not to be had.

        Raises:
            FileError: the frame is missing or damaged.
        """
        key = (id(sequence), index, reduction)
        with self._lock:
            if key in self._frames:
                self._frames.move_to_end(key)
                return self._frames[key][1]
        found = _decoded(sequence, index, reduction)
        with self._lock:
            self._keep(key, sequence, found)
        return found

    def _keep(self, key: tuple[int, int, int], sequence: Sequence, frame: ReducedFrame) -> None:
        if frame.image.nbytes > self._most or key in self._frames:
            return
        self._frames[key] = sequence, frame
        self._bytes += frame.image.nbytes
        while self._bytes > self._most:
            _, (_, oldest) = self._frames.popitem(last=False)
            self._bytes -= oldest.image.nbytes


def reduction_of(side: int, size: int) -> int:
    """By how much a frame may be reduced, 1, 2, 4 or 8, so that a crop of `side` of its pixels still has `size`."""
    return next((reduction for reduction in (8, 4, 2) if side >= reduction * size), 1)


def _decoded(sequence: Sequence, index: int, reduction: int) -> ReducedFrame:
    images = getattr(sequence, "images", None)
    if reduction > 1 and isinstance(images, Pictures):
        return images.reduced_frame(index, reduction)
    image = sequence.frame(index)
    return ReducedFrame(image, 1, image.shape[1], image.shape[0])
