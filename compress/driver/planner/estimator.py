"""What is estimated of a student that nobody has trained, on a device that is not here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from compress.archive import SHARE, PriorAccuracy
from compress.core import Latency, TrackerSpec
from compress.driver.latency_constraint import latency_of
from compress.latency import Profile, predict, worst_path
from compress.latency.estimated import estimate as estimate_latency
from compress.latency.estimated import estimate_expected
from compress.measure import Target
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
        basis: What latency is told from: an estimated target, or parts measured on a device.
    """

    basis: Profile | Target
    name: str
    teacher: TrackerSpec

    def __call__(self, knobs: Knobs, spec: TrackerSpec) -> Candidate:
        return Candidate(knobs, spec, latency_of(self.basis, spec), self._prior(spec))

    @property
    def measured(self) -> bool:
        """Whether the device's own parts were measured."""
        return isinstance(self.basis, Profile)

    @property
    def errors(self) -> tuple[float, float]:
        """Of latency on trackers left out: mean and largest, relative; 0 where none was."""
        told = self.basis if isinstance(self.basis, Profile) else self.basis.estimates
        return (told.mean_error or 0.0, told.max_error or 0.0) if told else (0.0, 0.0)

    @property
    def limits(self) -> str:
        """What the latencies cannot know, in words."""
        return self.basis.estimates.limits if isinstance(self.basis, Target) and self.basis.estimates else ""

    def extrapolates(self, spec: TrackerSpec) -> bool:
        """Whether latency is beyond all that its estimate was fitted to; what was measured has no such end."""
        return isinstance(self.basis, Target) and self.basis.extrapolates(spec)

    def teacher_latency(self) -> Latency:
        """With every frame at the last exit, which is what is published of its accuracy."""
        if isinstance(self.basis, Profile):
            return predict(self.basis, self.teacher, {worst_path(self.teacher): 1} if self.teacher.exits else None)
        profile = self.basis.estimates
        assert profile is not None
        last = [0.0] * (len(self.teacher.exits) - 1) + [1.0] if self.teacher.exits else None
        found = estimate_expected(profile, self.teacher, exit_shares=last)
        worst = estimate_latency(profile, self.teacher).mean_ms if self.teacher.adaptive else None
        return replace(found, worst_ms=worst)

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
