"""What is predicted of a tracker's latency, held against the bound of a search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compress.archive import Record
from compress.core import Latency, TrackerSpec, Way
from compress.profiles import Profile, Verdict, gate, predict


@dataclass(frozen=True)
class Gauge:
    """A profile, and the bound on one of `LATENCY_FIGURES`."""

    profile: Profile
    at: str
    bound_ms: float

    def gate(self, spec: TrackerSpec) -> Verdict:
        """Before anything is trained: of an adaptive tracker at best, or exactly where the worst way is bound."""
        return gate(self.profile, spec, self.bound_ms, at=self.at)

    def predict(self, spec: TrackerSpec, ways: Mapping[Way, int]) -> Latency:
        """Over the ways that frames took."""
        return predict(self.profile, spec, ways)

    def verdict(self, record: Record) -> Verdict:
        """By what was last predicted for a record."""
        assert record.predicted is not None
        return Verdict(record.predicted, self.bound_ms, self.at, optimistic=record.optimistic and self.at != "worst")

    def over_ms(self, record: Record) -> float:
        """By how much a record misses the bound; negative where it keeps it."""
        return self.verdict(record).over_ms
