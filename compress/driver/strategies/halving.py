"""Successive halving: all of a generation at rung 0, the better half at each next rung."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate

import numpy as np

from compress.archive import Record, nondominated_rank
from compress.driver.jobs import TrialJob, TrialResult
from compress.driver.trials import Trials


class Halving:
    """Generation after generation until enough students are trained; see `Strategy`.

    Args:
        students: Students to train in all, earlier ones of a continued search included.
        generation: Students that compete with each other.
    """

    def __init__(self, trials: Trials, *, students: int, generation: int) -> None:
        self._trials, self._students, self._size = trials, students, generation
        self._unfinished = trials.unfinished()
        self._members: list[int] = []
        self._rung = 0
        self._waiting: list[TrialJob] = []
        self._awaited: set[int] = set()
        self._stopped = self._exhausted = False

    @property
    def done(self) -> bool:
        """Whether no generation is under way and none is begun."""
        ended = self._exhausted or self._stopped or (self._left <= 0 and not self._unfinished)
        return not self._members and ended

    @property
    def planned_work(self) -> tuple[float, ...]:
        """Of each generation, which is halved at every rung."""
        whole, rest = divmod(max(0, self._left), self._size)
        return tuple(map(self._work_of, [self._size] * whole + [rest] * (rest > 0)))

    def _work_of(self, size: int) -> float:
        sizes = accumulate(self._trials.work[1:], lambda alive, _: (alive + 1) // 2, initial=size)
        return sum(alive * work for alive, work in zip(sizes, self._trials.work, strict=True))

    def propose(self, count: int) -> list[TrialJob]:
        """Jobs of the rung under way; of a new generation where none is."""
        if not self._members and not self.done:
            self._begin()
        jobs, self._waiting = self._waiting[:count], self._waiting[count:]
        return jobs

    def observe(self, result: TrialResult) -> None:
        """Go on to the next rung once all results of this one are in."""
        self._awaited.discard(result.trial)
        if not self._awaited:
            self._promote()

    def stop(self) -> None:
        """Begin no further generation."""
        self._stopped = True

    @property
    def _left(self) -> int:
        return self._students - self._trials.trained

    def _begin(self) -> None:
        """A generation: what a stopped search left open, and as many new students as it has room for."""
        room = min(self._left, self._size) - len(self._unfinished)
        self._members, self._unfinished = [*self._unfinished, *self._trials.ask(room)], []
        self._exhausted = not self._members
        self._enter(0)

    def _enter(self, rung: int) -> None:
        """Queue the jobs of a rung, without those that a stopped search has run."""
        self._rung = rung
        self._waiting = [self._trials.job(i, rung) for i in self._members if not self._trials.reached(i, rung)]
        self._awaited = {job.trial for job in self._waiting}
        if self._members and not self._awaited:
            self._promote()

    def _promote(self) -> None:
        """Finish those who go no further, and enter the next rung with the others."""
        alive = [i for i in self._members if self._trials[i].status == "running"]  # the others failed
        last = self._rung + 1 == len(self._trials.work)
        count = 0 if last else (len(alive) + 1) // 2
        chosen = promoted([self._trials[i] for i in alive], count, self._trials.over_ms)
        for at, number in enumerate(alive):
            if at not in chosen:
                self._trials.finish(number)
        self._members = [alive[at] for at in chosen]
        if self._members:
            self._enter(self._rung + 1)


def promoted(records: list[Record], count: int, over_ms: Callable[[Record], float]) -> list[int]:
    """Indices of the `count` records that go on: by non-dominated rank on latency and AO, then by AO.

    Ranks, not a weighted sum, so that a fast and a precise student need not be compared. Those over the bound, as
    adaptive ones may turn out to be, come last, the nearest first (Deb's constrained domination). Where two or more
    go on, the best adaptive and the best static one are among them: routing is what is trained last, so that a lower
    rung does not show what it will be worth.
    """
    if not count:
        return []
    points = np.array([_point(record) for record in records])
    rank = nondominated_rank(points, ("minimize", "maximize"))
    over = [max(0.0, over_ms(record)) for record in records]
    order = sorted(range(len(records)), key=lambda i: (over[i], int(rank[i]), -points[i, 1]))
    kinds = [
        next((i for i in order if records[i].spec.adaptive == kind and not over[i]), None) for kind in (True, False)
    ]
    first = [i for i in kinds if i is not None] if count > 1 else []
    return sorted(sorted(order, key=lambda i: i not in first)[:count])


def _point(record: Record) -> tuple[float, float]:
    assert record.predicted is not None
    assert record.accuracy is not None
    return record.predicted.mean_ms, record.accuracy.ao
