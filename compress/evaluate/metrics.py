"""Success, precision and overlap of predicted boxes, as the field's own evaluation code computes them."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compress.core import CompressError
from compress.geometry import clip_boxes, iou, xywh_to_cxcywh

Array = NDArray[np.float64]
FrameConvention = Literal["lasot", "lasot-ext", "otb", "uav"]
"""How frames without the object count: see `frame_errors`."""
_LABELLED = ("lasot", "lasot-ext")
"""Where labels say in which frames the object is visible; elsewhere boxes alone do."""

SUCCESS_THRESHOLDS: Array = np.arange(21) / 20
"""Overlaps a frame must exceed; their mean success is AUC."""
PRECISION_THRESHOLDS: Array = np.arange(51, dtype=np.float64)
"""Centre errors in pixels a frame may not exceed; reported at 20."""
NORM_THRESHOLDS: Array = np.arange(51) / 100
"""Centre errors over the true box's size a frame may not exceed; reported at 0.2."""


class FrameErrors(NamedTuple):
    """Per frame, each (n,): overlap, centre error in pixels, centre error over w and h, and whether it is valid."""

    iou: Array
    centre: Array
    centre_norm: Array
    valid: NDArray[np.bool_]


def frame_errors(
    truth: ArrayLike, predicted: ArrayLike, visible: ArrayLike | None = None, *, convention: FrameConvention = "lasot"
) -> FrameErrors:
    """Overlaps and centre errors of one sequence; the first prediction is taken to be the truth.

    A frame is valid where the true box has an area (and the object is `visible`, for `lasot` and `lasot-ext`). On the
    others the overlap is −1, always a miss; the centre error is infinite, a miss, but −1, a hit, for `uav`; the
    normalised error is −1, a hit, but infinite where `lasot` has the object not visible. So the published code of
    OSTrack and of the trackers of its family counts (`extract_results.py`, of pytracking).

    Args:
        truth, predicted: (n, 4) x, y, w, h. A prediction of no area takes the one before it; too many are cut,
            and too few are filled with zeros (except for `lasot`).

    Raises:
        CompressError: a prediction that is NaN or of negative size, or too few for `lasot`.
    """
    t = np.asarray(truth, dtype=np.float64)
    p = _usable_predictions(np.array(predicted, dtype=np.float64), t, convention)
    shown = np.ones(len(t), dtype=bool)
    if convention in _LABELLED and visible is not None:
        shown = np.asarray(visible, dtype=bool)
    valid: NDArray[np.bool_] = np.all(t[:, 2:] > 0, axis=1) & shown
    apart = (xywh_to_cxcywh(p) - xywh_to_cxcywh(t))[:, :2]
    overlap = np.where(valid, iou(p, t), -1.0)
    centre = np.where(valid, np.hypot(*apart.T), -1.0 if convention == "uav" else np.inf)
    relative = np.divide(apart, t[:, 2:], out=np.zeros_like(apart), where=valid[:, None])
    missed = ~shown & (convention == "lasot")
    norm = np.where(valid, np.hypot(*relative.T), np.where(missed, np.inf, -1.0))
    return FrameErrors(overlap, centre, norm, valid)


def success_curve(overlap: Array) -> Array:
    """(21,) share of frames whose overlap is above each threshold."""
    return np.asarray((overlap[:, None] > SUCCESS_THRESHOLDS).mean(axis=0))


def precision_curve(error: Array, thresholds: Array = PRECISION_THRESHOLDS) -> Array:
    """(51,) share of frames whose centre error is at most each threshold."""
    return np.asarray((error[:, None] <= thresholds).mean(axis=0))


def got10k_overlaps(truth: ArrayLike, predicted: ArrayLike, visible: ArrayLike, frame_size: tuple[int, int]) -> Array:
    """Overlaps the GOT-10k toolkit pools: boxes clipped to the frame, without frame 0 and invisible frames.

    Args:
        frame_size: (width, height) in pixels.
    """
    shown = np.asarray(visible, dtype=bool)[1:]
    overlap = iou(clip_boxes(truth, *frame_size), clip_boxes(predicted, *frame_size))
    return np.asarray(overlap[1:][shown])


def _usable_predictions(p: Array, truth: Array, convention: FrameConvention) -> Array:
    if np.isnan(p).any() or (p[:, 2:] < 0).any():
        raise CompressError(
            "A predicted box is NaN or of negative size, so the tracker's weights are damaged or diverged. Load others."
        )
    known: NDArray[np.bool_] = ~np.any(np.isnan(truth), axis=1)
    for i in range(1, len(p)):
        if (p[i, 2:] == 0).any() and (i >= len(truth) or known[i]):
            p[i] = p[i - 1]
    if len(p) < len(truth) and convention == "lasot":
        raise CompressError(f"{len(truth)} boxes were wanted, one per frame, but {len(p)} came. Predict one for each.")
    p = np.concatenate([p[: len(truth)], np.zeros((max(0, len(truth) - len(p)), 4))])
    p[0] = truth[0]
    return p
