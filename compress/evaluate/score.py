"""From predicted boxes to the figures of one sequence, and from those to the accuracy of a tracker."""

from __future__ import annotations

from collections.abc import Sequence as Items
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compress.archive import bootstrap_error
from compress.core import Accuracy, UsageError
from compress.evaluate.metrics import (
    NORM_THRESHOLDS,
    frame_errors,
    got10k_overlaps,
    precision_curve,
    success_curve,
)
from compress.geometry import iou


@dataclass(frozen=True)
class SequenceScore:
    """One sequence. Shares lie in [0, 1].

    Attributes:
        ao, sr50, sr75: Overlap without the first frame and invisible frames; NaN where no frame is left.
        auc, precision20, pnorm20: Over all frames; invisible frames are misses (LaSOT).
        overlaps: What the GOT-10k toolkit pools of this sequence: boxes clipped to the frame.
    """

    name: str
    frames: int
    ao: float
    sr50: float
    sr75: float
    auc: float
    precision20: float
    pnorm20: float
    overlaps: NDArray[np.float64] = field(repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, without `overlaps`; NaN as None."""
        row = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "overlaps"}
        return {k: None if isinstance(v, float) and np.isnan(v) else v for k, v in row.items()}


def score_sequence(
    name: str, truth: ArrayLike, predicted: ArrayLike, visible: ArrayLike, *, frame_size: tuple[int, int]
) -> SequenceScore:
    """Score one sequence.

    Args:
        truth, predicted: (n, 4) x, y, w, h in pixels; the first prediction is taken to be the truth.
        visible: (n,) bool.
        frame_size: (width, height) in pixels.
    """
    errors = frame_errors(truth, predicted, visible)
    counted = np.asarray(visible, dtype=bool)[1:]
    overlap = iou(truth, predicted)[1:][counted]
    return SequenceScore(
        name=name,
        frames=len(errors.iou),
        ao=_mean(overlap),
        sr50=_mean(overlap > 0.5),
        sr75=_mean(overlap > 0.75),
        auc=float(success_curve(errors.iou).mean()),
        precision20=float(precision_curve(errors.centre)[20]),
        pnorm20=float(precision_curve(errors.centre_norm, NORM_THRESHOLDS)[20]),
        overlaps=got10k_overlaps(truth, predicted, visible, frame_size),
    )


def pool(scores: Items[SequenceScore]) -> Accuracy:
    """The accuracy over all sequences; those without a visible frame after the first are left out of `ao_seq`.

    Raises:
        UsageError: no frame can be counted.
    """
    overlap = np.concatenate([s.overlaps for s in scores]) if scores else np.zeros(0)
    if not len(overlap):
        raise UsageError("No frame can be scored: a sequence needs a visible frame after its first. Give other data.")
    each = np.array([s.ao for s in scores if not np.isnan(s.ao)])
    return Accuracy(
        ao=_mean(overlap),
        ao_seq=_mean(each),
        ao_se=bootstrap_error(each),
        sr50=_mean(overlap > 0.5),
        sr75=_mean(overlap > 0.75),
        auc=float(np.mean([s.auc for s in scores])),
        precision20=float(np.mean([s.precision20 for s in scores])),
        pnorm20=float(np.mean([s.pnorm20 for s in scores])),
        sequences=len(scores),
        frames=len(overlap),
        sequence_aos=tuple(round(float(ao), 6) for ao in each),
    )


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean()) if len(values) else float("nan")
