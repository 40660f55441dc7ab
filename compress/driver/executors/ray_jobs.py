"""What hands the jobs of a search to Ray Tune, and its results back: Tune's searcher and stopper, without a search."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from ray.tune import Stopper
from ray.tune.search import Searcher

from compress.driver.executors.ray_worker import ANSWER, PROGRESS
from compress.driver.jobs import TrainingSetup, TrialJob, TrialResult


@dataclass(frozen=True)
class Preparation:
    """Make what the students of a job's setup start from, before any job runs."""

    job: TrialJob

    @property
    def setup(self) -> TrainingSetup:
        """Of the job."""
        return self.job.setup


MOST_LOST = 3
"""Times that a trial is run again because its process or host was lost."""

Task = TrialJob | Preparation
Events = SimpleQueue[tuple[str, Any, Any]]
"""`("progress", job, arguments)`, `("result", task, result)` or `("raised", task, error)`."""


class JobQueue(Searcher):  # type: ignore[misc]
    """Tune asks it for trials; it gives what was put into it, and puts what becomes of them into `events`.

    Tune calls it from its own thread. A trial is removed when its end is noted, so that each is noted once.
    """

    def __init__(self, events: Events) -> None:
        super().__init__(metric=ANSWER, mode="max")
        self.preparing: TrainingSetup | None = None
        self._events, self._open = events, True
        self._waiting: SimpleQueue[tuple[Task, int]] = SimpleQueue()
        self._running: dict[str, Task] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Tune saves its searcher to continue an experiment; this one is never continued

    def put(self, task: Task, number: int) -> None:
        """Add a task that workers know by a number."""
        self._waiting.put((task, number))

    def close(self) -> None:
        """Say that no more will come."""
        self._open = False

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """The next trial; None where none waits now."""
        try:
            task, number = self._waiting.get_nowait()
        except Empty:
            return None if self._open else Searcher.FINISHED
        self._running[trial_id] = task
        return {"number": number}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Pass on what a trial reports."""
        task = self._running.get(trial_id)
        if task is not None and result.get(PROGRESS):
            self._events.put(("progress", task.job if isinstance(task, Preparation) else task, result[PROGRESS]))

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Note the end of a trial, with the answer of its last report."""
        task = self._running.pop(trial_id, None)
        if task is None:
            return
        answer = (result or {}).get(ANSWER)
        if answer and not error:
            self._events.put(_unpacked(task, answer))
        else:
            self._events.put(("result", task, _lost(task)))

    def save(self, checkpoint_path: str) -> None:
        """Nothing; see `__getstate__`."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing; see `__getstate__`."""


class StopFlag(Stopper):  # type: ignore[misc]
    """Ends all trials when the search wants it."""

    def __init__(self) -> None:
        self._all = False

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """No: a trial ends by itself."""
        return False

    def set(self) -> None:
        """End all trials."""
        self._all = True

    def stop_all(self) -> bool:
        """Whether all trials are to end."""
        return self._all


def _unpacked(task: Task, answer: bytes) -> tuple[str, Any, Any]:
    kind, value = pickle.loads(answer)
    return kind, task, value


def _lost(task: Task) -> TrialResult:
    """Of a trial whose worker was lost more often than it is run again."""
    job = task.job if isinstance(task, Preparation) else task
    error = f"Its worker or the host of it was lost {MOST_LOST + 1} times, as happens where memory runs out."
    return TrialResult(job.trial, job.fidelity, job.spec, 0.0, error=error)
