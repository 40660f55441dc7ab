"""Boxes: x, y, w, h in pixels unless a name states another form; (x, y) is the top-left corner."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from compress.core.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Boxes = NDArray[np.float64]


def xywh_to_xyxy(boxes: ArrayLike) -> Boxes:
    """(..., 4) x, y, w, h → x1, y1, x2, y2."""
    b = np.asarray(boxes, dtype=np.float64)
    return np.concatenate([b[..., :2], b[..., :2] + b[..., 2:]], axis=-1)


def xyxy_to_xywh(boxes: ArrayLike) -> Boxes:
    """(..., 4) x1, y1, x2, y2 → x, y, w, h."""
    b = np.asarray(boxes, dtype=np.float64)
    return np.concatenate([b[..., :2], b[..., 2:] - b[..., :2]], axis=-1)


def xywh_to_cxcywh(boxes: ArrayLike) -> Boxes:
    """(..., 4) x, y, w, h → centre x, centre y, w, h."""
    b = np.asarray(boxes, dtype=np.float64)
    return np.concatenate([b[..., :2] + 0.5 * b[..., 2:], b[..., 2:]], axis=-1)


def cxcywh_to_xywh(boxes: ArrayLike) -> Boxes:
    """(..., 4) centre x, centre y, w, h → x, y, w, h."""
    b = np.asarray(boxes, dtype=np.float64)
    return np.concatenate([b[..., :2] - 0.5 * b[..., 2:], b[..., 2:]], axis=-1)


def iou(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Intersection over union, row by row: two (n, 4) xywh → (n,); 0 where both boxes are empty."""
    p, q = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    low = np.maximum(p[..., :2], q[..., :2])
    high = np.minimum(p[..., :2] + p[..., 2:], q[..., :2] + q[..., 2:])
    inter = np.prod(np.clip(high - low, 0.0, None), axis=-1)
    union = np.prod(p[..., 2:], axis=-1) + np.prod(q[..., 2:], axis=-1) - inter
    overlap: NDArray[np.float64] = np.zeros_like(inter)
    np.divide(inter, union, out=overlap, where=union > 0)
    return overlap


def clip_boxes(boxes: ArrayLike, width: int, height: int) -> Boxes:
    """The part of each (n, 4) xywh box that lies inside the frame; w or h is 0 where none does."""
    corners = xywh_to_xyxy(boxes)
    return xyxy_to_xywh(np.clip(corners, 0.0, np.array([width, height, width, height], dtype=np.float64)))


def check_box(box: ArrayLike, width: int, height: int) -> Boxes:
    """An initial box as a (4,) float64 array.

    Raises:
        UsageError: unless it is four finite numbers with w, h ≥ 1, overlaps the frame, and is at most twice its size.
    """
    b = np.asarray(box, dtype=np.float64)
    wanted = f"The initial box must be x,y,w,h in pixels, overlapping the frame of {width}x{height}"
    shown = ",".join(f"{v:g}" for v in b.ravel()[:8])
    if b.shape != (4,) or not np.isfinite(b).all():
        raise UsageError(f"{wanted}, but is {shown or 'empty'}. Give four finite numbers.")
    if min(b[2:]) <= 0:
        raise UsageError(f"{wanted}, but {shown} has no area. Give a width and height of at least 1 pixel.")
    if min(b[2:]) < 1:
        raise UsageError(f"{wanted}, but {shown} is smaller than a pixel. Give pixels, not shares of the frame.")
    if b[0] >= width or b[1] >= height or b[0] + b[2] <= 0 or b[1] + b[3] <= 0:
        raise UsageError(f"{wanted}, but {shown} lies outside of it. Give the box of the object in the first frame.")
    if b[2] > 2 * width or b[3] > 2 * height:
        raise UsageError(
            f"{wanted}, but {shown} is over twice its size. Give the box of the object in the first frame."
        )
    return b
