"""`PriorAccuracy`: the accuracy that published ablations suggest for a tracker that was not trained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

SHARE = "share of the teacher's accuracy"
"""The metric where nothing is published of the teacher; everything else is a benchmark's figure in [0, 1]."""

_LONGEST = 200
_MOST = 1.1
"""A student may keep a little more than all of its teacher's accuracy."""


@dataclass(frozen=True)
class PriorAccuracy:
    """An estimate from papers, `low` ≤ `mean` ≤ `high`. No `Accuracy`: nothing was trained, run or scored.

    Attributes:
        metric: Benchmark and figure, such as `GOT-10k AO`; or `SHARE`.
        teacher: The teacher's published figure that this is a share of; 1 for `SHARE`.
        source: Paper and table of the teacher's figure.
    """

    metric: str
    mean: float
    low: float
    high: float
    teacher: float
    source: str

    @property
    def retention(self) -> float:
        """Share of the teacher's accuracy that is kept, by the mean."""
        return self.mean / self.teacher

    def problems(self) -> Iterator[str]:
        """What no estimate is."""
        for name in ("metric", "source"):
            if len(getattr(self, name)) > _LONGEST:
                yield f"{name} must have at most {_LONGEST} characters but has {len(getattr(self, name))}"
        most = _MOST if self.metric == SHARE else 1
        for name in ("mean", "low", "high", "teacher"):
            if not 0 <= getattr(self, name) <= most:
                yield f"{name} must be in [0, {most}] but is {getattr(self, name)}"
        if not self.low <= self.mean <= self.high:
            yield f"mean must lie between low and high but they are {self.low}, {self.mean}, {self.high}"
        if not self.teacher > 0:
            yield f"teacher must be positive but is {self.teacher}"
