"""How long jobs will take, from how long jobs took, and how much time a search has left for them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import inf
from statistics import quantiles
from time import monotonic
from typing import NamedTuple

from compress.core import TrackerSpec
from compress.core.cost import macs

FRAMES_PER_STEP = 100
"""Frames of scoring that count as much as a step of distillation: what is assumed until a step was timed."""

MEASURING_S = 60.0
"""So much of measuring a host, which is done once, counts against a budget that the search set itself."""

_MARGIN = 1.1
_CAUTIOUS = 0.75
_RECENT = 16
_FORWARD = 1 / 3
"""Of a step of distillation, the forward pass."""

_FIXED = 0.1
"""Share of a step or frame of the teacher that does not depend on the network."""


class JobCost(NamedTuple):
    """What a job does, in units of the teacher's: distillation steps, and frames that are scored."""

    steps: float
    frames: float


def job_cost(spec: TrackerSpec, teacher: TrackerSpec, *, steps: int, frames: int, streamed: bool = False) -> JobCost:
    """Work of a student that is distilled for `steps` and scored on `frames`, by its multiply-accumulates.

    Args:
        streamed: The teacher is asked at every step.
    """
    whole, each = macs(teacher), macs(spec)
    step = _relative(each.full, whole.full) + (_FORWARD if streamed else 0)
    return JobCost(steps * step, frames * _relative(each.per_frame, whole.per_frame))


def _relative(part: float, whole: float) -> float:
    return _FIXED + (1 - _FIXED) * part / whole


@dataclass
class TimeBudget:
    """Foresees how long jobs take. What other processes do to this machine is seen in the jobs before.

    Attributes:
        deadline: By `clock`; infinite where a search may take as long as it takes.
        reserve_s: Seconds before it that are for what comes after the jobs, such as measuring the front.
        workers: Jobs that run at the same time.
    """

    deadline: float = inf
    reserve_s: float = 0.0
    clock: Callable[[], float] = monotonic
    workers: int = 1
    _frame_s: deque[float] = field(default_factory=lambda: deque(maxlen=_RECENT))
    _step_s: deque[float] = field(default_factory=lambda: deque(maxlen=_RECENT))

    @property
    def limited(self) -> bool:
        """Whether there is a deadline."""
        return self.deadline < inf

    @property
    def end(self) -> float:
        """When, by `clock`, the last job should have ended."""
        return self.deadline - self.reserve_s

    def put_off(self, measuring_s: float) -> float:
        """Move the deadline by what measuring the host took beyond `MEASURING_S`; the seconds that it moved by."""
        more = max(0.0, measuring_s - MEASURING_S)
        self.deadline += more
        return more

    def share_until(self, share: float, *, end: float | None = None) -> float:
        """When, by `clock`, a share of the time to `end` will be over, which by default is that of the last job."""
        now, end = self.clock(), self.end if end is None else end
        return now + share * max(0.0, end - now)

    def add(self, cost: JobCost, seconds: float) -> None:
        """Learn how long a job took."""
        if not cost.steps:
            if cost.frames:
                self._frame_s.append(seconds / cost.frames)
        elif self._frame_s:
            self._step_s.append(max(0.0, seconds - cost.frames * _high(self._frame_s)) / cost.steps)
        else:
            self._step_s.append(seconds / (cost.steps + cost.frames / FRAMES_PER_STEP))

    def seconds(self, cost: JobCost) -> float:
        """How long a job will take, rather more than less; 0 while nothing is known."""
        if self._step_s:
            step_s = _high(self._step_s)
            frame_s = _high(self._frame_s) if self._frame_s else step_s / FRAMES_PER_STEP
        elif self._frame_s:
            frame_s = _high(self._frame_s)
            step_s = frame_s * FRAMES_PER_STEP
        else:
            return 0.0
        return _MARGIN * (cost.steps * step_s + cost.frames * frame_s)


def _high(values: Iterable[float]) -> float:
    """A figure that three quarters of the values do not pass: some results were in the store, and took no time."""
    found = sorted(values)
    return found[0] if len(found) == 1 else quantiles(found, n=4, method="inclusive")[int(4 * _CAUTIOUS) - 1]
