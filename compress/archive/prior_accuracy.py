"""`PriorAccuracy`: what published ablations lead to expect of a tracker that nobody has trained."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any

from compress.archive.reading import check

SHARE = "share of the teacher's accuracy"
"""The metric where nothing is published of the teacher; everything else is a benchmark's figure in [0, 1]."""

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

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Any) -> PriorAccuracy | None:
        """Inverse of `to_dict`, the input not trusted; None stays None.

        Raises:
            FileError: naming the field that does not hold what it should.
        """
        if data is None:
            return None
        check(isinstance(data, dict) and set(data) == {f.name for f in fields(cls)}, "prior fields", data)
        for name in ("metric", "source"):
            check(isinstance(data[name], str) and len(data[name]) <= 200, f"prior.{name}", data[name])
        for name in ("mean", "low", "high", "teacher"):
            value = data[name]
            check(type(value) in (int, float) and math.isfinite(value), f"prior.{name}", value)
            check(0 <= value <= (_MOST if data["metric"] == SHARE else 1), f"prior.{name}", value)
        check(data["low"] <= data["mean"] <= data["high"], "prior interval", data)
        check(data["teacher"] > 0, "prior.teacher", data["teacher"])
        return cls(**data)
