"""Successive halving with a wide base: many at rung 0, where a student costs little, a share of them at each next one.

Who differs from one that goes on in the precision alone goes on, too, as it takes no training.

Under `halving` students start from the teacher's weights, under `elastic` as slices of shared ones, so that what a
student is worth shows before it is trained by itself. Everything else is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, inf

from compress.driver.jobs import TrialJob, TrialResult
from compress.driver.strategies.promotion import promoted
from compress.driver.trials import Trials

_SHARES = (1 / 3, 1 / 5)
"""Of the time that is left, what the base may take at most, and what each rung between it and the last."""

_COSTLY = 1.5
"""How much of the time a student may take, over its even share where `members` are trained to the end."""

_BATCH = 16
"""So many students of the base later, those that cannot go on any more are finished: the sampler learns of them."""


class Halving:
    """Generation after generation until there are enough students; see `Strategy`.

    Where time is limited, a third of what is left at most goes to the base, and a fifth to a rung above it. A job is
    begun only if it should end in time, and those first that leave time for `members` of their like; until one was
    trained to the end, the cheapest of a rung is begun in any case. At the last rung students are trained as long as
    there is time, more than `members` of them where it allows.

    Args:
        students: Students in all, earlier ones of a continued search included.
        generation: Students that compete with each other; all of them by default.
        eta: One in so many goes on to the next rung,
        members: but at least so many, where there are.
        ask: Gives new students, as `Trials.ask` does, which it is by default.
    """

    def __init__(
        self,
        trials: Trials,
        *,
        students: int,
        generation: int | None = None,
        eta: int = 4,
        members: int = 6,
        ask: Callable[[int], list[int]] | None = None,
    ) -> None:
        self._ask = ask or trials.ask
        self._trials, self._students, self._eta, self._least = trials, students, eta, members
        self._size = max(1, generation or students)
        self._members: list[int] = []  # of this rung, begun or not
        self._queue: list[int] = []  # those of them that are not begun
        self._awaited: dict[int, float] = {}  # since when
        self._room = self._rung = 0  # room: new students that this generation may still have
        self._until = self._end = self._most_s = inf  # when rung and generation end; what a student may take
        self._since = self._took_s = 0.0  # when the generation began; what the one before it took
        self._begun = self._hopeless = 0  # jobs of this rung; students of the base that were finished already
        self._heard = self._exhausted = self._stopped = self._delivered = False

    @property
    def done(self) -> bool:
        """Whether no generation is under way and none is begun."""
        return not (self._under_way or self._wanted)

    @property
    def planned_work(self) -> float:
        """Of each generation, fewer of which are left at every rung."""
        whole, rest = divmod(max(0, self._left), self._size)
        return whole * self._work_of(self._size) + self._work_of(rest)

    def propose(self, count: int) -> list[TrialJob]:
        """Jobs of the rung under way; of a new generation where none is."""
        jobs: list[TrialJob] = []
        while len(jobs) < count and not self.done:
            if not self._under_way:
                self._begin()
            if self._ready():
                jobs += self._next()
            elif self._awaited:
                break
            else:
                self._promote()
        return jobs

    def observe(self, result: TrialResult) -> None:
        """Go on to the next rung once all results of this one are in and nothing further is begun at it."""
        self._awaited.pop(result.trial, None)
        if self._rung == 0 and not self._heard:
            self._limit()  # anew: before the first result comes what all students need is made
        self._heard = True
        self._delivered |= self._rung == self._last and not result.error
        if self._rung == 0 and self._room and len(self._members) % _BATCH == 0:
            self._finish_hopeless()
        while self._under_way and not self._awaited and not self._ready():
            self._promote()

    def stop(self) -> None:
        """Begin nothing more, unless no student was trained to the end: then one is."""
        self._stopped, self._room = True, 0

    @property
    def _under_way(self) -> bool:
        return bool(self._members or self._room)

    @property
    def _wanted(self) -> bool:
        budget = self._trials.budget
        return (
            self._left > 0
            and not (self._exhausted or self._stopped)
            and budget.clock() + self._took_s / 2 <= budget.end
        )

    @property
    def _last(self) -> int:
        return len(self._trials.work) - 1

    @property
    def _left(self) -> int:
        return self._students - self._trials.trained

    def _count(self, alive: int) -> int:
        return min(alive, max(self._least, ceil(alive / self._eta)))

    def _work_of(self, size: int) -> float:
        total = 0.0
        for work in self._trials.work:
            total, size = total + size * work, self._count(size)
        return total

    def _begin(self) -> None:
        """A generation: room for new students."""
        budget = self._trials.budget
        self._since = budget.clock()
        self._end = budget.share_until(1 / max(1, ceil(self._left / self._size)))
        self._room = max(0, min(self._left, self._size))
        self._enter(0)

    def _enter(self, rung: int) -> None:
        """Queue the jobs of a rung."""
        self._rung, self._queue = rung, list(self._members)
        self._begun, self._heard, self._hopeless = 0, False, 0
        self._limit()

    def _limit(self) -> None:
        """Set when the jobs of this rung should have ended."""
        budget = self._trials.budget
        last = self._rung == self._last
        self._until = self._end if last else budget.share_until(_SHARES[self._rung > 0], end=self._end)
        self._most_s = _COSTLY * budget.workers * max(0.0, self._end - budget.clock()) / self._least

    def _ready(self) -> bool:
        """Whether a job of this rung is to be begun now."""
        return self._queued() is not None or self._has_room()

    def _next(self) -> list[TrialJob]:
        """That job; none where the space holds no further student."""
        number = self._queued()
        if number is not None:
            self._queue.remove(number)
        else:
            found = self._ask(1)
            self._exhausted, self._room = not found, self._room - 1 if found else 0
            self._members += found
            number = found[0] if found else None
        if number is None:
            return []
        self._begun += 1
        self._awaited[number] = self._trials.budget.clock()
        return [self._trials.job(number, self._rung)]

    def _queued(self) -> int | None:
        """The first that should end in time and leaves it to others; else the cheapest, where that is wanted."""
        in_time = [i for i in self._queue if self._in_time(i)]
        found = next((i for i in in_time if self._to_the_end_s(i) <= self._most_s), None)
        if found is not None or not self._queue:
            return found
        if in_time and (self._begun < self._least or self._rung == self._last):
            return min(in_time, key=self._to_the_end_s)
        # Better one that is late than none.
        return None if self._begun or self._delivered else min(self._queue, key=self._to_the_end_s)

    def _to_the_end_s(self, number: int) -> float:
        return sum(self._trials.seconds(number, rung) for rung in range(self._rung, self._last + 1))

    def _has_room(self) -> bool:
        """Whether one more student is to be asked for; as many as are wanted at the end are in any case."""
        return self._room > 0 and (len(self._members) < self._least or self._in_time(self._members[-1]))

    def _in_time(self, number: int) -> bool:
        """Whether a job begun now should end in time; where all workers are busy it begins when one is free.

        Between base and end one that can still be trained to the end beside those begun, as long as these are few.
        """
        budget = self._trials.budget
        if self._stopped:
            return False
        if 0 < self._rung < self._last and self._begun < self._least:
            return budget.workers * (self._end - budget.clock()) >= self._to_come_s() + self._to_the_end_s(number)
        now, waits_s = budget.clock(), 0.0
        if len(self._awaited) >= budget.workers:
            left = (self._trials.seconds(i, self._rung) - (now - since) for i, since in self._awaited.items())
            waits_s = sum(max(0.0, each) for each in left) / budget.workers
        return now + waits_s + self._trials.seconds(number, self._rung) <= self._until

    def _to_come_s(self) -> float:
        """Work that is left, in seconds of one worker, for all of this rung that were begun, to the end."""
        begun = [i for i in self._members if i not in self._queue]
        own = sum(self._trials.seconds(i, self._rung) for i in begun if i in self._awaited)
        return own + sum(self._to_the_end_s(i) - self._trials.seconds(i, self._rung) for i in begun)

    def _promote(self) -> None:
        """Finish those who go no further, and enter the next rung with the others, or end the generation."""
        self._room = 0
        alive = [i for i in self._members if self._trials[i].status == "running"]  # the others failed
        scored = [i for i in alive if self._trials.reached(i, self._rung)]
        chosen = [] if self._rung == self._last else self._best(scored, self._rung + 1)
        self._finish(set(alive) - set(chosen))
        self._members = chosen
        if chosen:
            self._enter(self._rung + 1)
        else:
            self._took_s = self._trials.budget.clock() - self._since

    def _best(self, scored: list[int], rung: int) -> list[int]:
        """Those that go on to a rung, the most wanted first; to the last one all may, as far as there is time."""
        everyone = rung == self._last and self._trials.budget.limited
        return self._choice(scored, len(scored) if everyone else self._count(self._hopeless + len(scored)))

    def _choice(self, numbers: list[int], count: int) -> list[int]:
        fidelity = self._trials.fidelity(self._rung)
        records = [self._trials[i] for i in numbers]
        chosen = [numbers[at] for at in promoted(records, count, self._trials.over_ms, fidelity=fidelity)]
        return list(dict.fromkeys(i for each in chosen for i in (each, *self._in_other_precisions(each, numbers))))

    def _in_other_precisions(self, number: int, numbers: list[int]) -> list[int]:
        """Those that differ from a student in the precision alone, and so have its weights once it is trained."""
        of = self._trials[number].spec
        others = (i for i in numbers if self._trials[i].spec.precision != of.precision)
        return [i for i in others if self._trials[i].spec.in_fp32.student_id == of.in_fp32.student_id]

    def _finish_hopeless(self) -> None:
        """Finish those of the base that are not among the best so far, however many go on in the end."""
        scored = [i for i in self._members if self._trials.reached(i, 0) and self._trials[i].status == "running"]
        out = set(scored) - set(self._choice(scored, self._count(self._size)))
        self._finish(out)
        self._hopeless += len(out)
        self._members = [i for i in self._members if i not in out]

    def _finish(self, numbers: set[int]) -> None:
        """Enter in the study what was found."""
        for number in sorted(numbers):
            if self._trials[number].accuracy is not None:
                self._trials.finish(number)
