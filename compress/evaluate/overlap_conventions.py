"""Conventions that count the overlaps of frames alone: GOT-10k, over all frames together, and VOT, by sequence."""

from __future__ import annotations

from collections.abc import Sequence as Items
from dataclasses import dataclass

import numpy as np

from compress.data import Sequence
from compress.evaluate.conventions import CONVENTIONS, Array, Figures, Measured, curves_of, has_area, share_above
from compress.evaluate.following import Run
from compress.evaluate.regions import region_overlap
from compress.geometry import iou


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
        return Figures(found, curves_of((thresholds, share_above(overlap, thresholds), found["ao"])))


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
        known = has_area(sequence.boxes)
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
        success = np.mean([share_above(each["all"], above) for each in measured], axis=0)
        return Figures({"accuracy": accuracy}, curves_of((thresholds, success, accuracy)))


def _inside(boxes: Array, size: tuple[int, int]) -> Array:
    """Boxes in the frame as the GOT-10k toolkit has them: a corner outside is moved in, with the box it belongs to."""
    low = np.clip(boxes[:, :2], 0, size)
    return np.concatenate([low, np.clip(boxes[:, 2:], 0, np.array(size) - low)], axis=1)


CONVENTIONS.register("got10k", Got10k())
CONVENTIONS.register("vot", Vot())
