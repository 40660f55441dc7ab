"""`Estimator`: latency by a model of the target and accuracy by published ablations, of students not yet trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from compress.archive import SHARE, PriorAccuracy
from compress.core import Latency, TrackerSpec, worst_path
from compress.latency import LatencyModel
from compress.prior import DEFAULT_METRIC, estimate, published_accuracy, retention

Knobs = Mapping[str, Any]
"""The choices that a student is built from, by knob."""


@dataclass(frozen=True)
class Candidate:
    """A student, the choices it was built from, and what is estimated of it."""

    knobs: Knobs
    spec: TrackerSpec
    latency: Latency
    prior: PriorAccuracy


@dataclass(frozen=True)
class Estimator:
    """Estimates students of one teacher.

    Attributes:
        model: Predicts latency on the target.
        name: The teacher's, by which published accuracies are found.
    """

    model: LatencyModel
    name: str
    teacher: TrackerSpec

    def __call__(self, knobs: Knobs, spec: TrackerSpec) -> Candidate:
        return Candidate(knobs, spec, self.model.predict(spec), self._prior(spec))

    def extrapolates(self, spec: TrackerSpec) -> bool:
        """Whether the latency of `spec` is beyond all that the model was measured on or fitted to."""
        return not self.model.covers(spec)

    def teacher_latency(self) -> Latency:
        """With every frame at the last exit, which is what is published of its accuracy."""
        return self.model.predict(self.teacher, {worst_path(self.teacher): 1} if self.teacher.exits else None)

    def teacher_prior(self) -> PriorAccuracy:
        """What is published of the teacher, or all of its own accuracy."""
        figure = published_accuracy(self.name, DEFAULT_METRIC)
        if figure is None:
            return PriorAccuracy(SHARE, 1.0, 1.0, 1.0, 1.0, "nothing published")
        return PriorAccuracy(figure.metric, figure.value, figure.value, figure.value, figure.value, figure.source)

    def _prior(self, spec: TrackerSpec) -> PriorAccuracy:
        found = estimate(self.name, spec)
        whole = self.teacher_prior()
        if found is None:
            kept = retention(self.teacher, spec)
            return PriorAccuracy(SHARE, kept.mean, kept.low, kept.high, 1.0, whole.source)
        return PriorAccuracy(found.metric, found.mean, found.low, found.high, whole.teacher, found.source)
