"""Retention: the share of its teacher's accuracy that a student keeps, estimated from published ablations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from compress.core import Provenance, TrackerSpec, describe
from compress.prior.ablations import rows
from compress.prior.elimination import elimination_model
from compress.prior.field_rules import PRECISION_MAY_COST, check_priced
from compress.prior.fitting import PRIORS, retention_model
from compress.prior.knob_changes import CHANGES, changes, unpublished_resolution
from compress.prior.published_points import published_accuracy

DEFAULT_METRIC = "GOT-10k AO"


@dataclass(frozen=True)
class Retention:
    """Shares of the teacher's accuracy, `low` ≤ `mean` ≤ `high` and `mean` ≤ 1.

    An estimate from published ablations: nothing was trained, and nothing measured.
    """

    mean: float
    low: float
    high: float
    provenance: ClassVar[Provenance] = "estimated"
    fidelity: ClassVar[Literal["prior"]] = "prior"


@dataclass(frozen=True)
class Estimate:
    """A student's accuracy, in [0, 1].

    Attributes:
        metric: Benchmark and figure, as published of the teacher: `GOT-10k AO`, `LaSOT AUC` or `UAV123 AUC`.
        source: Paper and table of the teacher's figure.
    """

    metric: str
    mean: float
    low: float
    high: float
    source: str
    provenance: ClassVar[Provenance] = "estimated"
    fidelity: ClassVar[Literal["prior"]] = "prior"


def retention(teacher: TrackerSpec, student: TrackerSpec, exit_shares: Sequence[float] | None = None) -> Retention:
    """Accuracy of `student` as a share of its teacher's, for AO and AUC alike.

    A student equal to its teacher keeps all, for certain; any other has been trained anew, which by itself may cost
    or gain `RetentionModel.spread`.

    Args:
        exit_shares: Shares of frames that leave at each of the student's exits; None: all at the first, the operating
            point at which latency is gated before training.

    Raises:
        UsageError: as `changes`.
        UnpricedError: the two differ in fields about which nothing is published; see `FIELD_RULES`.
    """
    if student == teacher and exit_shares is None:
        return Retention(1.0, 1.0, 1.0)
    fitted, eliminating = retention_model(), elimination_model()
    taken_away = changes(teacher, student, exit_shares)
    check_priced(teacher, student)
    loss = fitted.loss(taken_away) + max(0.0, eliminating.loss(student) - eliminating.loss(teacher))
    low, high = fitted.bounds(loss, PRIORS[teacher.backbone].widening() * _stretch(teacher, student))
    low -= max(0.0, eliminating.extrapolated(student) - eliminating.extrapolated(teacher))
    low -= PRECISION_MAY_COST if student.precision not in ("fp32", teacher.precision) else 0.0
    low -= fitted.rates[CHANGES.index("resolution")] * unpublished_resolution(teacher, student)
    return Retention(math.exp(-loss), math.exp(low), math.exp(high))


_UNPUBLISHED = 2.0
"""How many times as wide the interval is of students with fewer heads: nothing is published of such trackers."""


def _stretch(teacher: TrackerSpec, student: TrackerSpec) -> float:
    own = dict(enumerate(layer.heads for layer in teacher.layers))
    pruned = any(layer.heads not in (None, own.get(layer.source)) for layer in student.layers)
    return _UNPUBLISHED if pruned else 1.0


def estimate(
    teacher: str,
    student: TrackerSpec,
    metric: str = DEFAULT_METRIC,
    exit_shares: Sequence[float] | None = None,
) -> Estimate | None:
    """Accuracy of `student` from what is published of the named tracker `teacher`.

    None where nothing is, and for a metric that no ablation is about: on TrackingNet everything keeps more.

    It is that of a student trained as the papers train theirs, on their data, not for a shorter training.

    Raises:
        UsageError: as `retention`.
    """
    figure = published_accuracy(teacher, metric)
    if figure is None or metric not in {row.metric for row in rows().values()}:
        return None
    kept = retention(describe(teacher), student, exit_shares)
    mean, low, high = (min(1.0, figure.value * share) for share in (kept.mean, kept.low, kept.high))
    return Estimate(metric, mean, low, high, figure.source)
