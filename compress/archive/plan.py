"""`Plan`: the summary of a run in which nothing was trained."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from compress.core import FileError
from compress.core.plain import from_plain, to_plain


@dataclass(frozen=True)
class Plan:
    """What was estimated, and the commands that train and measure it.

    Attributes:
        space: Name of the search space.
        combinations: Choices of the space that apply to the teacher, multiplied out.
        whole: Whether every student of the space was estimated; else a sample was.
        estimated: Different students estimated, all of them in `plan.csv`; `within` of them meet the latency bound.
        duplicates: Students left out of the trials because another one has the same estimated latency and accuracy.
        basis: What the latencies rest on, such as `4 published speeds`.
        mean_error, max_error: Relative errors of the latencies, on trackers left out; None where none was.
        limits: What the latency estimates cannot know, in a sentence or two.
        notes: What else the reader should know, a sentence each.
        commands: What to type to train and measure what was planned, in order.
    """

    space: str
    combinations: int
    whole: bool
    estimated: int
    within: int
    duplicates: int
    basis: str
    mean_error: float | None
    max_error: float | None
    limits: str
    notes: tuple[str, ...]
    commands: tuple[str, ...]

    def problems(self) -> Iterator[str]:
        """Figures that no plan has."""
        for name in ("combinations", "estimated", "within", "duplicates", "mean_error", "max_error"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value >= 0):
                yield f"{name} must be a number ≥ 0 but is {value}"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return dict(to_plain(self, defaults=True))

    @classmethod
    def from_dict(cls, data: Any) -> Plan | None:
        """Inverse of `to_dict`, the input not trusted; None stays None.

        Raises:
            FileError: naming every field that does not hold what it should.
        """
        return None if data is None else from_plain(cls, data, "plan", error=FileError)
