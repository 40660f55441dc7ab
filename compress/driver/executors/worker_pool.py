"""The thread that hands the jobs of a search to worker processes, as soon as one is idle."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing import Pipe
from queue import SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any

from compress.driver.executors.resources import WorkerShare
from compress.driver.executors.worker_server import GRACE_S
from compress.driver.executors.workers import Attempt, Worker, Workers
from compress.driver.jobs import TrialJob, TrialResult


@dataclass(frozen=True)
class Event:
    """What became known of a job.

    Attributes:
        job: None where it concerns all.
        kind: `progress`, `result` or `raised`.
        values: The arguments of a `Progress`, a `TrialResult`, or an exception.
    """

    job: TrialJob | None
    kind: str
    values: tuple[Any, ...]


class WorkerPool:
    """Runs jobs in worker processes, started when there is work for them and anew where one is lost.

    A job whose worker is lost is run again once. What comes of jobs is put into `events`.

    Args:
        shares: What each worker uses.
        most_s: Seconds that a job may take, see `run_job`; None for any. A worker that hangs and so does not see to it
            itself is ended after twice that.
    """

    def __init__(self, shares: Sequence[WorkerShare], *, most_s: float | None = None) -> None:
        self.events: SimpleQueue[Event] = SimpleQueue()
        self.workers = Workers(shares)
        self._most_s = most_s
        self._waiting: deque[Attempt] = deque()
        self._closing = self._kill = False
        self._wake, self._woken = Pipe()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin to load what workers need, so that it is there when the first job comes; a second call does nothing."""
        if self._thread is None:
            self.workers.start_server()
            self._thread = Thread(target=self._run, name="workers", daemon=True)
            self._thread.start()

    def put(self, job: TrialJob) -> None:
        """Hand over a job."""
        self.start()
        self._waiting.append(Attempt(job))
        self._notify()

    def close(self) -> None:
        """End all workers; what they train is saved. Where this is interrupted they are killed."""
        if self._thread is None:
            return
        self._closing = True
        try:
            self._notify()
            self._thread.join()
        finally:
            self._kill = True
            self._notify()
            self._thread.join()
            self._thread = None
            self._wake.close()

    def _notify(self) -> None:
        """Let the thread look up from its waiting, unless it has ended."""
        with suppress(OSError):
            self._wake.send(None)

    def _run(self) -> None:
        try:
            while not self._closing:
                self._hand_out()
                for worker, message in self.workers.listen(self._woken, self._next_limit()):
                    self._lost(worker) if message is None else self._handle(worker, *message)
                for each in self.workers:
                    each.end_if_overdue()
        except Exception as error:
            self.events.put(Event(None, "raised", (error,)))
        finally:
            self.workers.end(self._woken, lambda: self._kill)
            self._woken.close()

    def _hand_out(self) -> None:
        """Give what waits to idle workers, and start as many as there is work for."""
        idle = [each for each in self.workers if each.idle]
        for worker in idle[: len(self._waiting)]:
            worker.attempt = self._waiting.popleft()
            worker.limit = None if self._most_s is None else monotonic() + 2 * self._most_s + GRACE_S
            worker.process.send((worker.attempt.job, self._most_s))
        self.workers.start(self.workers.busy + len(self._waiting))

    def _handle(self, worker: Worker, kind: str, *values: Any) -> None:
        assert worker.attempt is not None
        job = worker.attempt.job
        if kind != "progress":
            worker.attempt = worker.limit = None
        self.events.put(Event(job, kind, values))

    def _lost(self, worker: Worker) -> None:
        """A worker has ended: its job is run again once, unless it hung."""
        attempt, how = worker.attempt, self.workers.remove(worker)
        if attempt is None:
            return
        if worker.hangs:
            self._fail(attempt.job, "It took too long and did not react, so that its process was ended.")
        elif attempt.lost:
            self._fail(attempt.job, f"Its worker process was lost twice: {how}.")
        else:
            self._waiting.appendleft(replace(attempt, lost=1))

    def _fail(self, job: TrialJob, error: str) -> None:
        seconds = self._most_s or 0.0
        self.events.put(Event(job, "result", (TrialResult(job.trial, job.fidelity, job.spec, seconds, error=error),)))

    def _next_limit(self) -> float | None:
        limits = [each.limit for each in self.workers if each.limit is not None]
        return max(0.0, min(limits) - monotonic()) if limits else None
