"""Conventions of which a figure is a mean of curves, one for each sequence: LaSOT, OTB, UAV123 and TrackingNet."""

from __future__ import annotations

from collections.abc import Sequence as Items
from dataclasses import dataclass

import numpy as np

from compress.data import Sequence
from compress.evaluate.conventions import CONVENTIONS, Array, Figures, Measured, curves_of, has_area, share_above
from compress.evaluate.following import Run
from compress.evaluate.metrics import (
    NORM_THRESHOLDS,
    PRECISION_THRESHOLDS,
    SUCCESS_THRESHOLDS,
    FrameConvention,
    frame_errors,
    precision_curve,
    success_curve,
)
from compress.geometry import iou, xywh_to_cxcywh


@dataclass(frozen=True)
class OnePass:
    """Success, precision and normalised precision: of each sequence over its frames, then the mean over sequences.

    Args:
        frames: How frames without the object count.
        whole_pixels: Predictions are cut to whole pixels first, as files of pytracking hold them.
    """

    summary: str
    frames: FrameConvention
    whole_pixels: bool = False

    def measure(self, sequence: Sequence, run: Run) -> Measured:
        """See `Convention`: (21,) success, (51,) precision and (51,) normalised precision."""
        boxes = np.trunc(run.boxes) if self.whole_pixels else run.boxes
        errors = frame_errors(sequence.boxes, boxes, sequence.visible, convention=self.frames)
        return {
            "success": success_curve(np.minimum(errors.iou, 1.0)),  # what rounding adds passes no threshold
            "precision": precision_curve(errors.centre),
            "norm_precision": precision_curve(errors.centre_norm, NORM_THRESHOLDS),
        }

    def figures(self, measured: Items[Measured]) -> Figures:
        """See `Convention`; `success_auc` and `pnorm_auc` are means of a curve, the others are points of one."""
        success, precision, norm = (_mean_of(name, measured) for name in ("success", "precision", "norm_precision"))
        values = {
            "success_auc": float(success.mean()),
            "success50": float(success[10]),
            "success75": float(success[15]),
            "precision20": float(precision[20]),
            "pnorm20": float(norm[20]),
            "pnorm_auc": float(norm.mean()),
        }
        return Figures(values, curves_of(
            (SUCCESS_THRESHOLDS, success, values["success_auc"]),
            (PRECISION_THRESHOLDS, precision, values["precision20"]),
            (NORM_THRESHOLDS, norm, values["pnorm20"]),
        ))  # fmt: skip


@dataclass(frozen=True)
class TrackingNet:
    """Areas under the three curves, of boxes in whole pixels, all frames counted; the mean over sequences."""

    summary: str = "the code of TrackingNet's server"

    def measure(self, sequence: Sequence, run: Run) -> Measured:
        """See `Convention`: three (21,) curves. A frame without the object passes no threshold."""
        truth, found = np.rint(sequence.boxes), np.rint(run.boxes)
        found[0] = truth[0]
        there = has_area(truth)
        apart = (xywh_to_cxcywh(found) - xywh_to_cxcywh(truth))[:, :2]
        relative = np.divide(apart, truth[:, 2:], out=np.full_like(apart, np.inf), where=there[:, None])
        thresholds = np.linspace(0, 1, 21)
        return {
            "success": share_above(np.where(there, iou(truth, found), -1.0), thresholds),
            "precision": precision_curve(np.where(there, np.hypot(*apart.T), np.inf), 50 * thresholds),
            "norm_precision": precision_curve(np.hypot(*relative.T), 0.5 * thresholds),
        }

    def figures(self, measured: Items[Measured]) -> Figures:
        """See `Convention`: areas by the trapezoidal rule, over thresholds scaled to [0, 1]."""
        thresholds = np.linspace(0, 1, 21)
        curves = {name: _mean_of(name, measured) for name in ("success", "precision", "norm_precision")}
        areas = {name: float((y[1:] + y[:-1]).mean() / 2) for name, y in curves.items()}
        values = {
            "success_auc": areas["success"],
            "precision_auc": areas["precision"],
            "pnorm_auc": areas["norm_precision"],
        }
        return Figures(values, curves_of(*(
            (scale * thresholds, curves[name], areas[name])
            for name, scale in (("success", 1), ("precision", 50), ("norm_precision", 0.5))
        )))  # fmt: skip


def _mean_of(name: str, measured: Items[Measured]) -> Array:
    return np.asarray(np.mean([each[name] for each in measured], axis=0))


CONVENTIONS.register("lasot", OnePass("LaSOT's toolkit and pytracking: frames without the object are missed", "lasot"))
CONVENTIONS.register("lasot-ext", OnePass("pytracking: as lasot, but absent frames hit in pnorm", "lasot-ext"))
CONVENTIONS.register("otb", OnePass("OTB's toolkit and pytracking, for OTB, NfS and TNL2K", "otb"))
CONVENTIONS.register("uav123", OnePass("pytracking: as otb, but frames without the object hit in precision", "uav"))
CONVENTIONS.register("trackingnet", TrackingNet())
CONVENTIONS.register("pytracking", OnePass("as lasot, of boxes cut to whole pixels as in its files", "lasot", True))
