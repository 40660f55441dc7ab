"""Square crops around a box, as OSTrack and LiteTrack take them, bit for bit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from compress.core.errors import UsageError
from compress.geometry import pixels

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Image = NDArray[np.uint8]

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
_LEVELS = np.arange(256, dtype=np.float32) / np.float32(255)
# One table per channel: exact, and faster than float arithmetic on every pixel.
_TABLES = tuple((_LEVELS - np.float32(m)) / np.float32(s) for m, s in zip(MEAN, STD))


class Crop(NamedTuple):
    """A crop of (size, size, 3) uint8 RGB, and the crop's pixels per frame pixel."""

    image: Image
    resize_factor: float


def crop_target(frame: Image, box: ArrayLike, *, factor: float, size: int) -> Crop:
    """Crop a square of side ⌈√(w·h)·factor⌉ centred on a box, black outside of the frame, resized bilinearly.

    Args:
        frame: (H, W, 3) uint8 RGB.
        box: x, y, w, h in pixels; where it lies wholly outside of the frame the crop is black.
        factor: The crop's side over the square root of the box area.
        size: Side of the result in pixels.

    Raises:
        UsageError: the box has no area or is not finite.
    """
    left, top, side = crop_window(box, factor)
    patch = _padded(frame, left, top, side)
    if patch is None:
        return Crop(np.zeros((size, size, 3), dtype=np.uint8), size / side)
    return Crop(pixels.resized(patch, size), size / side)


def crop_window(box: ArrayLike, factor: float) -> tuple[int, int, int]:
    """Left, top and side of the square that `crop_target` cuts, in pixels of the frame.

    Raises:
        UsageError: the box has no area or is not finite.
    """
    x, y, w, h = (float(v) for v in np.asarray(box).tolist())
    side = _side(x, y, w, h, factor)
    # round() is half to even, as in the published code; half-up moves one crop in five by a pixel.
    return round(x + 0.5 * w - side * 0.5), round(y + 0.5 * h - side * 0.5), side


def normalise(image: Image) -> NDArray[np.float32]:
    """(S, S, 3) uint8 RGB → (1, 3, S, S) float32 with ImageNet's mean and deviation."""
    return pixels.through_tables(image, _TABLES)


def preprocess(frame: Image, box: ArrayLike, factor: float, size: int) -> tuple[NDArray[np.float32], float]:
    """Crop and normalise: the network's (1, 3, size, size) float32 input and the resize factor."""
    image, resize_factor = crop_target(frame, box, factor=factor, size=size)
    return normalise(image), resize_factor


def _side(x: float, y: float, w: float, h: float, factor: float) -> int:
    if all(map(math.isfinite, (x, y, w, h))) and w > 0 and h > 0:
        return math.ceil(math.sqrt(w * h) * factor)
    raise UsageError(f"A crop needs a finite box with w and h above 0, but the box is {x:g},{y:g},{w:g},{h:g}.")


def _padded(frame: Image, left: int, top: int, side: int) -> Image | None:
    """The square at (left, top), padded with black; None where it does not touch the frame."""
    height, width = frame.shape[:2]
    right, bottom = left + side, top + side
    pad_left, pad_top = max(0, -left), max(0, -top)
    # The published code pads one pixel too many on these sides, dropping the frame's last column and row.
    pad_right, pad_bottom = max(0, right - width + 1), max(0, bottom - height + 1)
    if left + pad_left >= right - pad_right or top + pad_top >= bottom - pad_bottom:
        return None
    inside = frame[top + pad_top : bottom - pad_bottom, left + pad_left : right - pad_right]
    if not (pad_left or pad_right or pad_top or pad_bottom):
        return inside
    return pixels.bordered(inside, pad_top, pad_bottom, pad_left, pad_right)
