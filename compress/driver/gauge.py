"""What is predicted of a tracker's latency, held against the bound of a search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compress.archive import Record
from compress.core import Latency, TrackerSpec, Way
from compress.measure import Target
from compress.profiles import Profile, Verdict, predict

_MARGIN = 0.95
"""Predictions are off by some per cent, and so is what is expected of other sequences."""


def latency_of(profile: Profile | Target, spec: TrackerSpec, ways: Mapping[Way, int] | None = None) -> Latency:
    """Predicted from measured parts, or estimated by a target that nobody can time; over `ways` where they are known.

    Without `ways` the mean of an adaptive tracker is an optimistic bound. Raises as `predict` and `Target.estimate`.
    """
    return profile.estimate(spec, ways) if isinstance(profile, Target) else predict(profile, spec, ways)


@dataclass(frozen=True)
class Gauge:
    """A profile or an estimated target, and the bound on one of `LATENCY_FIGURES`."""

    profile: Profile | Target
    at: str
    bound_ms: float

    def gate(self, spec: TrackerSpec) -> Verdict:
        """Before anything is trained: of an adaptive tracker at best, or exactly where the worst way is bound."""
        found = latency_of(self.profile, spec)
        return Verdict(found, self.bound_ms, self.at, optimistic=spec.adaptive and self.at != "worst")

    def predict(self, spec: TrackerSpec, ways: Mapping[Way, int]) -> Latency:
        """Over the ways that frames took."""
        return latency_of(self.profile, spec, ways)

    def way_ms(self, spec: TrackerSpec, way: Way) -> float:
        """Mean time of the frames that go one way."""
        return latency_of(self.profile, spec, {way: 1}).mean_ms

    @property
    def aim_ms(self) -> float | None:
        """What exit thresholds are chosen for: the bound less a margin; None where no mean is bound."""
        return _MARGIN * self.bound_ms if self.at == "mean" else None

    def verdict(self, record: Record) -> Verdict:
        """By what was last predicted for a record."""
        assert record.predicted is not None
        return Verdict(record.predicted, self.bound_ms, self.at, optimistic=record.optimistic and self.at != "worst")

    def over_ms(self, record: Record) -> float:
        """By how much a record misses the bound; negative where it keeps it."""
        return self.verdict(record).over_ms
