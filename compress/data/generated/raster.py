"""Drawing that gives the same bytes on every machine: integer arithmetic only.

OpenCV's `warpAffine` computes in floating point and differs between processors; `remap` on fixed-point maps does not.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Matrix = tuple[float, float, float, float, float, float]
"""Affine map (a, b, c, d, e, f): x' = a·x + b·y + c, y' = d·x + e·y + f; pixel centres lie at whole numbers."""

_FRACTION = 16
_RANGE = np.arange(4096, dtype=np.int32)


def compose(outer: Matrix, inner: Matrix) -> Matrix:
    """The map that applies `inner`, then `outer`."""
    a, b, c, d, e, f = outer
    g, h, i, j, k, m = inner
    return a * g + b * j, a * h + b * k, a * i + b * m + c, d * g + e * j, d * h + e * k, d * i + e * m + f


def invert(matrix: Matrix) -> Matrix:
    a, b, c, d, e, f = matrix
    det = a * e - b * d
    return e / det, -b / det, (b * f - c * e) / det, -d / det, a / det, (c * d - a * f) / det


def scale_of(matrix: Matrix) -> float:
    """Square root of the area that a unit square is mapped to."""
    return float(abs(matrix[0] * matrix[4] - matrix[1] * matrix[3]) ** 0.5)


def warp(image: Image, to_image: Matrix, width: int, height: int, *, reflect: bool = False) -> Image:
    """Resample `image` on a (height, width) raster; `to_image` maps raster pixels to image pixels.

    Outside the image lies zero, or its mirror image with `reflect`.
    """
    a, b, c, d, e, f = (round(value * (1 << _FRACTION)) for value in to_image)
    # One half of 1/32 pixel is added before the shift, so that positions are rounded, not cut.
    u, v = _RANGE[:width], _RANGE[:height, None]
    half = 1 << (_FRACTION - 6)
    x = (a * u + (c + half))[None, :] + b * v
    y = (d * u + (f + half))[None, :] + e * v
    x >>= _FRACTION - 5
    y >>= _FRACTION - 5
    whole = np.empty((height, width, 2), np.int16)
    np.clip(x >> 5, -16000, 16000, out=whole[..., 0], casting="unsafe")
    np.clip(y >> 5, -16000, 16000, out=whole[..., 1], casting="unsafe")
    part = (((y & 31) << 5) | (x & 31)).astype(np.uint16)
    border = cv2.BORDER_REFLECT_101 if reflect else cv2.BORDER_CONSTANT
    return cv2.remap(image, whole, part, cv2.INTER_LINEAR, borderMode=border)  # type: ignore[return-value]


def pyramid(image: Image, levels: int = 4) -> list[Image]:
    """`image` and its halves, each the mean of 2×2 pixels; sides must divide by 2**(levels − 1)."""
    out = [image]
    for _ in range(levels - 1):
        wide = out[-1].astype(np.uint16)
        total = wide[0::2, 0::2] + wide[1::2, 0::2] + wide[0::2, 1::2] + wide[1::2, 1::2]
        out.append(((total + 2) >> 2).astype(np.uint8))
    return out


def sample(levels: list[Image], to_image: Matrix, width: int, height: int, *, reflect: bool = False) -> Image:
    """`warp` from the pyramid level whose pixels are nearest in size to the raster's, so that nothing aliases."""
    step, level = scale_of(to_image), 0
    while step > 1.5 and level < len(levels) - 1:
        step, level = step / 2, level + 1
    shrink = 0.5**level
    # A pixel centre at x in the full image lies at (x + 0.5)/2**level − 0.5 in the level's.
    shift = 0.5 * shrink - 0.5
    to_level = compose((shrink, 0.0, shift, 0.0, shrink, shift), to_image)
    return warp(levels[level], to_level, width, height, reflect=reflect)


def over(canvas: Image, sprite: Image, x: int, y: int) -> None:
    """Draw a premultiplied RGBA `sprite` on the RGB `canvas` with its first pixel at (x, y), inside the canvas."""
    part = canvas[y : y + sprite.shape[0], x : x + sprite.shape[1]]
    rest = np.uint16(255) - sprite[..., 3:]
    part[:] = ((part * rest + np.uint16(128)) >> 8).astype(np.uint8) + sprite[..., :3]


def smear(image: Image, dx: float, dy: float, taps: int = 5) -> Image:
    """Motion blur: the mean of `taps` copies shifted along (dx, dy) pixels; edges repeat."""
    reach = min(round(max(abs(dx), abs(dy)) / 2), min(image.shape[:2]) // 2)
    if reach < 1:
        return image
    wide = np.pad(image, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    height, width = image.shape[:2]
    longest = max(abs(dx), abs(dy))
    total = np.zeros(image.shape, np.uint16)
    for k in range(taps):
        at = (2 * k / (taps - 1) - 1) * reach
        x, y = reach + round(at * dx / longest), reach + round(at * dy / longest)
        total += wide[y : y + height, x : x + width]
    return ((total + taps // 2) // taps).astype(np.uint8)


def coarsen(canvas: Image, factor: float) -> Image:
    """The image as a camera whose pixels are `factor` times as wide would show it."""
    height, width = canvas.shape[:2]
    small = cv2.resize(
        canvas, (max(4, round(width / factor)), max(4, round(height / factor))), interpolation=cv2.INTER_LINEAR_EXACT
    )
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR_EXACT)  # type: ignore[return-value]
