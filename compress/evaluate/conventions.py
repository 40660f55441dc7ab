"""How each data set counts frames and sequences: from boxes to the figures that its leaderboard shows.

A convention is added from outside by one registration, and then serves `compress evaluate --metrics NAME` and every
source that names it (`DataSource.convention`):

    CONVENTIONS.register("mine", Mine())
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as Items
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from compress.core import Registry
from compress.data import Sequence
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
from compress.evaluate.regions import region_overlap
from compress.geometry import iou, xywh_to_cxcywh

Array = NDArray[np.float64]
Measured = Mapping[str, Array]
"""What a convention keeps of one sequence, by names of its own."""


@dataclass(frozen=True)
class Curve:
    """A curve of a plot.

    Attributes:
        name: What its file is called.
        x, y: (k,) thresholds, and the share of frames that pass each.
        x_label: What the thresholds are of.
        value: What the legend shows beside the tracker's name.
    """

    name: str
    x: Array
    y: Array
    x_label: str
    value: float


@dataclass(frozen=True)
class Figures:
    """What a convention says of some sequences.

    Attributes:
        values: By name, the most important first; shares in [0, 1].
    """

    values: dict[str, float]
    curves: tuple[Curve, ...] = ()


class Convention(Protocol):
    """Says how frames and sequences count.

    Attributes:
        summary: Whose code it agrees with, in a few words.
    """

    @property
    def summary(self) -> str: ...

    def measure(self, sequence: Sequence, run: Run) -> Measured:
        """What counts of one sequence that has a true box for each frame."""
        ...

    def figures(self, measured: Items[Measured]) -> Figures:
        """The figures of some sequences, of one at least; NaN where none of their frames counts."""
        ...


CONVENTIONS = Registry[Convention]("convention of metrics")


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
        return Figures(values, _curves(
            (SUCCESS_THRESHOLDS, success, values["success_auc"]),
            (PRECISION_THRESHOLDS, precision, values["precision20"]),
            (NORM_THRESHOLDS, norm, values["pnorm20"]),
        ))  # fmt: skip


@dataclass(frozen=True)
class Got10k:
    """AO and SR over all sequences' frames together, without the first ones and those that do not show the object."""

    summary: str = "the GOT-10k toolkit"

    def measure(self, sequence: Sequence, run: Run) -> Measured:
        """See `Convention`: overlaps of what lies inside the frame."""
        counted = np.asarray(sequence.visible, dtype=bool)[1:]
        return {"overlap": iou(_inside(sequence.boxes, run.size), _inside(run.boxes, run.size))[1:][counted]}

    def figures(self, measured: Items[Measured]) -> Figures:
        """See `Convention`: `ao`, `sr50`, `sr75`."""
        overlap = np.concatenate([each["overlap"] for each in measured])
        if not len(overlap):
            return Figures(dict.fromkeys(("ao", "sr50", "sr75"), float("nan")))
        values = {"ao": overlap.mean(), "sr50": (overlap > 0.5).mean(), "sr75": (overlap > 0.75).mean()}
        found = {name: float(value) for name, value in values.items()}
        thresholds = np.linspace(0, 1, 101)
        return Figures(found, _curves((thresholds, _passing(overlap, thresholds), found["ao"])))


@dataclass(frozen=True)
class TrackingNet:
    """Areas under the three curves, of boxes in whole pixels, all frames counted; the mean over sequences."""

    summary: str = "the code of TrackingNet's server"

    def measure(self, sequence: Sequence, run: Run) -> Measured:
        """See `Convention`: three (21,) curves. A frame without the object passes no threshold."""
        truth, found = np.rint(sequence.boxes), np.rint(run.boxes)
        found[0] = truth[0]
        there = _has_area(truth)
        apart = (xywh_to_cxcywh(found) - xywh_to_cxcywh(truth))[:, :2]
        relative = np.divide(apart, truth[:, 2:], out=np.full_like(apart, np.inf), where=there[:, None])
        thresholds = np.linspace(0, 1, 21)
        return {
            "success": _passing(np.where(there, iou(truth, found), -1.0), thresholds),
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
        return Figures(values, _curves(*(
            (scale * thresholds, curves[name], areas[name])
            for name, scale in (("success", 1), ("precision", 50), ("norm_precision", 0.5))
        )))  # fmt: skip


@dataclass(frozen=True)
class Vot:
    """Accuracy of VOT's experiment without resets: the overlap of regions, the first ten frames left out.

    Regions are those of `region_overlap`; where a sequence has `polygons`, (n, 2k) corners, they are the truth. EAO and
    robustness need resets or anchors, which the VOT toolkit runs a tracker through by itself.
    """

    summary: str = "the VOT toolkit, without resets (no EAO)"
    burn_in: int = 10

    def measure(self, sequence: Sequence, run: Run) -> Measured:
        """See `Convention`: overlaps from the burn-in on; those of all frames; and the number of frames."""
        truth = getattr(sequence, "polygons", None)
        truth = sequence.boxes if truth is None else truth
        known = _has_area(sequence.boxes)
        overlap = np.array([
            region_overlap(region, box, run.size) if i and known[i] else 0.0
            for i, (region, box) in enumerate(zip(truth, run.boxes, strict=True))
        ])  # fmt: skip
        counted = overlap[self.burn_in :][known[self.burn_in :]]
        return {"overlap": counted, "all": overlap[known], "frames": np.array([float(len(overlap))])}

    def figures(self, measured: Items[Measured]) -> Figures:
        """See `Convention`: the mean over sequences, weighted by their frames; one that ends before counts as 0."""
        frames = np.array([each["frames"][0] for each in measured])
        means = np.array([each["overlap"].mean() if len(each["overlap"]) else 0.0 for each in measured])
        accuracy = float((means * frames).sum() / frames.sum())
        thresholds = np.linspace(0, 1, 100)
        above = np.minimum(thresholds, np.nextafter(1, 0))  # an overlap of 1 passes the last one
        success = np.mean([_passing(each["all"], above) for each in measured], axis=0)
        return Figures({"accuracy": accuracy}, _curves((thresholds, success, accuracy)))


def _has_area(boxes: Array) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = np.all(boxes[:, 2:] > 0, axis=1)
    return found


def _inside(boxes: Array, size: tuple[int, int]) -> Array:
    """Boxes in the frame as the GOT-10k toolkit has them: a corner outside is moved in, with the box it belongs to."""
    low = np.clip(boxes[:, :2], 0, size)
    return np.concatenate([low, np.clip(boxes[:, 2:], 0, np.array(size) - low)], axis=1)


def _passing(overlap: Array, thresholds: Array) -> Array:
    return np.asarray((overlap[:, None] > thresholds).mean(axis=0)) if len(overlap) else np.zeros(len(thresholds))


def _mean_of(name: str, measured: Items[Measured]) -> Array:
    return np.asarray(np.mean([each[name] for each in measured], axis=0))


_PLOTS = (
    ("success", "overlap"),
    ("precision", "centre error, pixels"),
    ("norm_precision", "centre error over the size of the box"),
)


def _curves(*given: tuple[Array, Array, float]) -> tuple[Curve, ...]:
    """Success, and where given precision and normalised precision."""
    return tuple(Curve(name, x, y, label, value) for (name, label), (x, y, value) in zip(_PLOTS, given, strict=False))


CONVENTIONS.register("got10k", Got10k())
CONVENTIONS.register("lasot", OnePass("LaSOT's toolkit and pytracking: frames without the object are missed", "lasot"))
CONVENTIONS.register("lasot-ext", OnePass("pytracking: as lasot, but absent frames hit in pnorm", "lasot-ext"))
CONVENTIONS.register("otb", OnePass("OTB's toolkit and pytracking, for OTB, NfS and TNL2K", "otb"))
CONVENTIONS.register("uav123", OnePass("pytracking: as otb, but frames without the object hit in precision", "uav"))
CONVENTIONS.register("trackingnet", TrackingNet())
CONVENTIONS.register("pytracking", OnePass("as lasot, of boxes cut to whole pixels as in its files", "lasot", True))
CONVENTIONS.register("vot", Vot())
