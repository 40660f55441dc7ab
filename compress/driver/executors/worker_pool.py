"""Worker processes of one search, and the thread that hands jobs to them as soon as one is idle."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from queue import SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any

from compress.core import CompressError
from compress.driver.executors.resources import WorkerShare
from compress.driver.executors.worker_process import WorkerProcess, WorkerServer, acquire_server, release_server
from compress.driver.executors.worker_server import GRACE_S
from compress.driver.jobs import TrialJob, TrialResult

_STARTS = 3
"""Workers in a row that may end before they were ready."""


@dataclass(frozen=True)
class Event:
    """What became known of a job.

    Attributes:
        kind: `progress`, `result` or `raised`.
        values: The arguments of a `Progress`, a `TrialResult`, or an exception.
    """

    job: TrialJob | None
    kind: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class _Attempt:
    """A job and how often a worker was lost over it."""

    job: TrialJob
    lost: int = 0


@dataclass
class _Worker:
    """A process with its share, and what it works on.

    Attributes:
        limit: By `monotonic`, when the worker is taken to hang.
    """

    process: WorkerProcess
    share: WorkerShare
    attempt: _Attempt | None = None
    limit: float | None = None
    hangs: bool = False

    @property
    def idle(self) -> bool:
        """Whether it can be given a job."""
        return self.process.pid is not None and self.attempt is None and not self.hangs


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
        self._shares, self._most_s = list(shares), most_s
        self._waiting: deque[_Attempt] = deque()
        self._workers: list[_Worker] = []
        self._server: WorkerServer | None = None
        self._failed_starts = 0
        self._closing = self._kill = False
        self._wake, self._woken = Pipe()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin to load what workers need, so that it is there when the first job comes; a second call does nothing."""
        if self._thread is None:
            self._server = acquire_server()
            self._thread = Thread(target=self._run, name="workers", daemon=True)
            self._thread.start()

    def put(self, job: TrialJob) -> None:
        """Hand over a job."""
        self.start()
        self._waiting.append(_Attempt(job))
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
                self._listen(self._next_limit())
        except Exception as error:
            self.events.put(Event(None, "raised", (error,)))
        finally:
            self._end_all()
            self._woken.close()
            self._end_server()

    def _hand_out(self) -> None:
        """Give what waits to idle workers, and start as many as there is work for."""
        idle = [each for each in self._workers if each.idle]
        for worker in idle[: len(self._waiting)]:
            worker.attempt = self._waiting.popleft()
            worker.limit = None if self._most_s is None else monotonic() + 2 * self._most_s + GRACE_S
            worker.process.send((worker.attempt.job, self._most_s))
        busy = sum(each.attempt is not None for each in self._workers)
        while len(self._workers) < min(len(self._shares), busy + len(self._waiting)):
            self._fork()

    def _fork(self) -> None:
        used = [id(each.share) for each in self._workers]
        share = next(each for each in self._shares if id(each) not in used)
        if self._server is None or not self._server.alive:
            self._end_server()
            self._server = acquire_server()
        try:
            self._workers.append(_Worker(self._server.fork(share), share))
        except OSError:  # the server has ended a moment ago
            self._failed_starts += 1
            self._check_starts(self._server.last_line())
            self._end_server()

    def _end_server(self) -> None:
        if self._server is not None:
            release_server(self._server)
            self._server = None

    def _listen(self, seconds: float | None) -> None:
        """Wait for what workers say, and handle it."""
        workers = {each.process.connection: each for each in self._workers}
        for ready in wait([self._woken, *workers], seconds):
            assert isinstance(ready, Connection)
            if ready is self._woken:
                self._woken.recv()
                continue
            try:
                self._handle(workers[ready], *ready.recv())
            except (EOFError, OSError):
                self._lost(workers[ready])
        self._end_overdue()

    def _handle(self, worker: _Worker, kind: str, *values: Any) -> None:
        if kind == "ready":
            worker.process.pid = values[0]
            self._failed_starts = 0
            return
        assert worker.attempt is not None
        job = worker.attempt.job
        if kind != "progress":
            worker.attempt = worker.limit = None
        self.events.put(Event(job, kind, values))

    def _lost(self, worker: _Worker) -> None:
        """A worker has ended: its job is run again once, unless it hung."""
        self._workers.remove(worker)
        attempt, how = worker.attempt, worker.process.ending()
        if attempt is None:
            self._failed_starts += worker.process.pid is None
            self._check_starts(how)
        elif worker.hangs:
            self._fail(attempt.job, "It took too long and did not react, so that its process was ended.")
        elif attempt.lost:
            self._fail(attempt.job, f"Its worker process was lost twice: {how}.")
        else:
            self._waiting.appendleft(replace(attempt, lost=1))

    def _check_starts(self, how: str) -> None:
        if self._failed_starts >= _STARTS:
            raise CompressError(
                f"Worker processes do not start: {how}. Look at what they lack, or use --executor inline."
            )

    def _fail(self, job: TrialJob, error: str) -> None:
        seconds = self._most_s or 0.0
        self.events.put(Event(job, "result", (TrialResult(job.trial, job.fidelity, job.spec, seconds, error=error),)))

    def _next_limit(self) -> float | None:
        limits = [each.limit for each in self._workers if each.limit is not None]
        return max(0.0, min(limits) - monotonic()) if limits else None

    def _end_overdue(self) -> None:
        """End workers that hang, at first so that they save what they have."""
        for each in self._workers:
            if each.limit is not None and monotonic() >= each.limit:
                each.process.signal(signal.SIGKILL if each.hangs else signal.SIGTERM)
                each.hangs, each.limit = True, monotonic() + GRACE_S

    def _end_all(self) -> None:
        """Let idle workers go, and busy ones save what they train; whoever takes longer than `GRACE_S` is killed."""
        begin = monotonic()
        for each in self._workers:
            each.process.signal(signal.SIGTERM)
        while any(each.process.pid is not None for each in self._workers):
            left = begin + GRACE_S - monotonic()
            if self._kill or left <= 0:
                break
            self._drop_ended(left)
        for each in self._workers:
            each.process.signal(signal.SIGKILL)
            each.process.ending()

    def _drop_ended(self, seconds: float) -> None:
        """Wait until a worker ends or says something more, which nobody hears."""
        workers = {each.process.connection: each for each in self._workers}
        for ready in wait([self._woken, *workers], seconds):
            assert isinstance(ready, Connection)
            try:
                ready.recv()
            except (EOFError, OSError):
                ended = workers[ready]
                self._workers.remove(ended)
                ended.process.ending()
