"""What is predicted of a tracker's latency, held against the bound of a search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compress.archive import Record
from compress.core import ExecutionPath, Latency, TrackerSpec
from compress.latency import ConstraintCheck, Profile, predict
from compress.measure import Target

_MARGIN = 0.95
"""Predictions are off by some per cent, and so is what is expected of other sequences."""


def latency_of(
    profile: Profile | Target, spec: TrackerSpec, paths: Mapping[ExecutionPath, int] | None = None
) -> Latency:
    """Predicted from measured parts, or estimated by a target that nobody can time; over `paths` where they are known.

    Without `paths` the mean of an adaptive tracker is an optimistic bound. Raises as `predict` and `Target.estimate`.
    """
    return profile.estimate(spec, paths) if isinstance(profile, Target) else predict(profile, spec, paths)


@dataclass(frozen=True)
class Gauge:
    """A profile or an estimated target, and the bound on one of `LATENCY_FIGURES`."""

    profile: Profile | Target
    at: str
    bound_ms: float

    def gate(self, spec: TrackerSpec) -> ConstraintCheck:
        """Before anything is trained: of an adaptive tracker at best, or exactly where the worst way is bound."""
        found = latency_of(self.profile, spec)
        return ConstraintCheck(found, self.bound_ms, self.at, optimistic=spec.adaptive and self.at != "worst")

    def predict(self, spec: TrackerSpec, paths: Mapping[ExecutionPath, int]) -> Latency:
        """Over the ways that frames took."""
        return latency_of(self.profile, spec, paths)

    def path_ms(self, spec: TrackerSpec, path: ExecutionPath) -> float:
        """Mean time of the frames that go one way."""
        return latency_of(self.profile, spec, {path: 1}).mean_ms

    @property
    def aim_ms(self) -> float | None:
        """What exit thresholds are chosen for: the bound less a margin; None where no mean is bound."""
        return _MARGIN * self.bound_ms if self.at == "mean" else None

    def verdict(self, record: Record) -> ConstraintCheck:
        """By what was last predicted for a record."""
        assert record.predicted is not None
        return ConstraintCheck(
            record.predicted, self.bound_ms, self.at, optimistic=record.optimistic and self.at != "worst"
        )

    def over_ms(self, record: Record) -> float:
        """By how much a record misses the bound; negative where it keeps it."""
        return self.verdict(record).over_ms
