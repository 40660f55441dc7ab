"""Many students scored as slices of shared weights; the best, spread over latency, trained to the end."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from compress.archive import Record, nondominated_rank
from compress.driver.jobs import TrialJob, TrialResult
from compress.driver.trials import Trials

_BATCH = 10
"""Students asked for at a time: the sampler learns of what is dominated before the next, whatever the executor."""


class ElasticStrategy:
    """Scores students by slices until there are enough, then trains the best from their slices; see `Strategy`.

    The jobs' first rung is a slice, their last one the student trained to the end. A student that others dominate is
    finished with the score of its slice, which its record says; those that none dominates wait for the choice.

    Args:
        students: Students in all, earlier ones of a continued search included.
        trained: Of these, how many are trained to the end; fewer where there are fewer.
    """

    def __init__(self, trials: Trials, *, students: int, trained: int) -> None:
        self._trials, self._students, self._trained = trials, students, trained
        self._unfinished = trials.unfinished()
        self._open: list[int] = []
        self._waiting: list[TrialJob] = []
        self._awaited: set[int] = set()
        self._stopped = self._exhausted = self._chosen = False

    @property
    def done(self) -> bool:
        """Whether those that were chosen are trained."""
        return self._chosen and not self._waiting and not self._awaited

    @property
    def planned_work(self) -> tuple[float, ...]:
        """Scoring all, and training some."""
        left = max(0, self._left, len(self._unfinished))
        return (left * self._trials.work[0] + min(left, self._trained) * self._trials.work[-1],)

    def propose(self, count: int) -> list[TrialJob]:
        """Jobs of the students under way; of further ones, or of those chosen for training, where none is."""
        while not (self._chosen or self._waiting or self._awaited):
            self._advance()
        jobs, self._waiting = self._waiting[:count], self._waiting[count:]
        return jobs

    def observe(self, result: TrialResult) -> None:
        """A student that was trained to the end is finished; one that was scored waits for the others."""
        self._awaited.discard(result.trial)
        if self._chosen:
            self._trials.finish(result.trial)

    def stop(self) -> None:
        """Score no further students; the best so far are trained."""
        self._stopped = True

    @property
    def _left(self) -> int:
        return self._students - self._trials.trained - len(self._open)

    @property
    def _last(self) -> int:
        return len(self._trials.work) - 1

    def _advance(self) -> None:
        """Keep what may still be chosen; queue further students, or where there are none the chosen ones' training."""
        self._open = [i for i in self._open if self._trials[i].status == "running"]  # the others failed
        records = [self._trials[i] for i in self._open]
        fresh = self._fresh()
        self._chosen = not fresh
        count = self._trained if self._chosen else max(self._trained, _undominated(records))
        kept = {self._open[at] for at in spread(records, count, self._trials.over_ms)}
        for number in self._open:
            if number not in kept:
                self._trials.finish(number)
        self._open = [i for i in self._open if i in kept] + fresh
        members, rung = (self._open, self._last) if self._chosen else (fresh, 0)
        self._waiting = [self._trials.job(i, rung) for i in members if not self._trials.reached(i, rung)]
        self._awaited = {job.trial for job in self._waiting}

    def _fresh(self) -> list[int]:
        """What a stopped search left open, then new students."""
        if self._unfinished:
            found, self._unfinished = self._unfinished, []
            ended = [i for i in found if self._trials.reached(i, self._last)]
            for number in ended:
                self._trials.finish(number)
            if left := [i for i in found if i not in ended]:
                return left
        if self._stopped or self._exhausted:
            return []
        asked = self._trials.ask(min(_BATCH, self._left))
        self._exhausted = not asked
        return asked


def spread(records: list[Record], count: int, over_ms: Callable[[Record], float]) -> list[int]:
    """Indices, rising, of `count` records by non-dominated rank on latency and AO, and within a rank far apart.

    Of each rank the one is next whose latency is the farthest, by ratio, from all that were taken; the very first is
    the most accurate. Those over the bound come last, the nearest first (Deb's constrained domination).
    """
    if len(records) <= count:
        return list(range(len(records)))
    rank = _ranks(records)
    over = [max(0.0, over_ms(record)) for record in records]
    taken: list[int] = []
    for group in sorted({(each, int(r)) for each, r in zip(over, rank, strict=True)}):
        rest = [i for i in range(len(records)) if (over[i], int(rank[i])) == group]
        while rest and len(taken) < count:
            taken.append(max(rest, key=lambda i: (_distance(records, i, taken), records[i].ao or 0.0)))
            rest.remove(taken[-1])
    return sorted(taken)


def _distance(records: list[Record], i: int, taken: list[int]) -> float:
    """How far a record's latency is from the nearest that was taken; alike for all where none was."""
    return min((abs(_log_ms(records[i]) - _log_ms(records[j])) for j in taken), default=math.inf)


def _log_ms(record: Record) -> float:
    assert record.predicted is not None
    return math.log(record.predicted.mean_ms)


def _undominated(records: list[Record]) -> int:
    return int((_ranks(records) == 0).sum()) if records else 0


def _ranks(records: list[Record]) -> np.ndarray:
    points = np.array([(_log_ms(record), record.ao) for record in records], dtype=np.float64)
    return nondominated_rank(points, ("minimize", "maximize"))
