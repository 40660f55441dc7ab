"""`Plan`: how a run came about in which nothing was trained."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any

from compress.archive.reading import check


@dataclass(frozen=True)
class Plan:
    """What a plan looked at, and what to do with it.

    Attributes:
        space: Name of the search space.
        combinations: Choices of the space that apply to the teacher, multiplied out.
        whole: Whether every student of the space was looked at; else a sample was.
        drawn: Different students looked at, all of them in `plan.csv`; `within` of them keep the bound.
        twins: Students left out of the trials because another one has the same estimated latency and accuracy.
        mean_error, max_error: Of the latency estimates, on trackers left out of their fit; relative.
        limits: What the latency estimates cannot know, in words.
        notes: What else has to be said, a sentence each.
        commands: What to type to train and measure what was planned, in order.
    """

    space: str
    combinations: int
    whole: bool
    drawn: int
    within: int
    twins: int
    mean_error: float
    max_error: float
    limits: str
    notes: tuple[str, ...]
    commands: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self) | {"notes": list(self.notes), "commands": list(self.commands)}

    @classmethod
    def from_dict(cls, data: Any) -> Plan | None:
        """Inverse of `to_dict`, the input not trusted; None stays None.

        Raises:
            FileError: naming the field that does not hold what it should.
        """
        if data is None:
            return None
        check(isinstance(data, dict) and set(data) == {f.name for f in fields(cls)}, "plan fields", data)
        for name in ("combinations", "drawn", "within", "twins"):
            check(type(data[name]) is int and data[name] >= 0, f"plan.{name}", data[name])
        for name in ("mean_error", "max_error"):
            value = data[name]
            check(type(value) in (int, float) and math.isfinite(value) and value >= 0, f"plan.{name}", value)
        for name in ("space", "limits"):
            check(isinstance(data[name], str), f"plan.{name}", data[name])
        for name in ("notes", "commands"):
            texts = data[name]
            check(isinstance(texts, list) and all(isinstance(each, str) for each in texts), f"plan.{name}", texts)
        check(type(data["whole"]) is bool, "plan.whole", data["whole"])
        return cls(**(data | {"notes": tuple(data["notes"]), "commands": tuple(data["commands"])}))
