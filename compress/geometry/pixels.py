"""Pixel operations of crops: OpenCV's, or numpy's on a device that has no OpenCV.

numpy's crops differ by a grey level where rounding falls otherwise, and take longer: 1.0 ms a frame against 0.07 ms for
`ostrack-nano`. Only kits run without OpenCV, and their profiles record it.

This module is shipped in kits: Python 3.8, numpy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

try:
    import cv2
except ImportError:
    cv2 = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.uint8]


def library() -> str:
    """The library in use, with its version if it is OpenCV."""
    return "numpy" if cv2 is None else f"opencv {cv2.__version__}"


def resized(patch: Image, size: int) -> Image:
    """(H, W, 3) → (size, size, 3), bilinear."""
    if cv2 is not None:
        return cv2.resize(patch, (size, size))  # type: ignore[return-value]
    height, width = patch.shape[:2]
    top, bottom, down = _neighbours(height, size)
    left, right, across = _neighbours(width, size)
    rows = patch[top] * (1 - down)[:, None, None] + patch[bottom] * down[:, None, None]
    found = rows[:, left] * (1 - across)[None, :, None] + rows[:, right] * across[None, :, None]
    return np.rint(found).astype(np.uint8)


def through_tables(image: Image, tables: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """(H, W, C) uint8 → (1, C, H, W): each channel's levels by its own (256,) table."""
    out = np.empty((1, len(tables), *image.shape[:2]), dtype=np.float32)
    if cv2 is not None:
        for channel, plane in enumerate(cv2.split(image)):
            cv2.LUT(plane, tables[channel], out[0, channel])
    else:
        for channel, table in enumerate(tables):
            np.take(table, image[:, :, channel], out=out[0, channel])
    return out


def bordered(image: Image, top: int, bottom: int, left: int, right: int) -> Image:
    """The image with so many black rows and columns around it."""
    if cv2 is not None:
        return cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_CONSTANT)  # type: ignore
    return np.pad(image, ((top, bottom), (left, right), (0, 0)))


def _neighbours(length: int, size: int) -> tuple[Any, Any, NDArray[np.float32]]:
    """For each of `size` places the two pixels of `length` it lies between, and how near it is to the second."""
    places = (np.arange(size) + 0.5) * (length / size) - 0.5
    low = np.clip(np.floor(places).astype(np.intp), 0, length - 1)
    return low, np.minimum(low + 1, length - 1), np.clip(places - low, 0, 1).astype(np.float32)
