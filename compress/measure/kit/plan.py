"""`KitPlan`: of a kit.json, what its results are held against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from compress.core import TrackerSpec
from compress.core.threads import MOST_THREADS
from compress.measure.coverage import Coverage

_MOST = 100_000


@dataclass(frozen=True)
class Schedule:
    """How often each network is visited, and how many runs of a visit are dropped and timed."""

    rounds: int
    dropped: int
    timed: int
    attempts: int
    seed: int

    def problems(self) -> Iterator[str]:
        """What cannot be measured."""
        for name, least in (("rounds", 2), ("dropped", 0), ("timed", 1), ("attempts", 1), ("seed", 0)):
            if not least <= getattr(self, name) <= _MOST:
                yield f"{name} must be from {least} to {_MOST} but is {getattr(self, name)}"


@dataclass(frozen=True)
class KitCall:
    """What is timed: a tracker by its id, and the execution path of all its frames where it is adaptive."""

    tracker: str
    skipped: list[int] | None = None
    exit: int | None = None


@dataclass(frozen=True)
class KitPlan:
    """What a kit measures.

    Attributes:
        batches: Calls that are timed together.
    """

    id: str
    target: str
    teacher: TrackerSpec
    coverage: Coverage
    schedule: Schedule
    threads: int
    batches: list[list[KitCall]]

    def problems(self) -> Iterator[str]:
        """What cannot be measured."""
        if not 1 <= self.threads <= MOST_THREADS:
            yield f"threads must be from 1 to {MOST_THREADS} but is {self.threads}"
        if not list(self.coverage.problems()):
            yield from (f"coverage.{text}" for text in self.coverage.problems_for(self.teacher))
