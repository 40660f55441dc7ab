"""The worker processes of one search: started as they are needed, listened to, and ended without leaving one."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from time import monotonic
from typing import Any

from compress.core import CompressError
from compress.driver.executors.resources import WorkerShare
from compress.driver.executors.worker_process import WorkerProcess, WorkerServer, acquire_server, release_server
from compress.driver.executors.worker_server import GRACE_S
from compress.driver.jobs import TrialJob

_STARTS = 3
"""Workers in a row that may end before they were ready."""


@dataclass(frozen=True)
class Attempt:
    """A job, and how often a worker was lost over it."""

    job: TrialJob
    lost: int = 0


@dataclass(eq=False)
class Worker:
    """A process with its share, and what it works on.

    Attributes:
        limit: By `monotonic`, when the worker is taken to hang.
    """

    process: WorkerProcess
    share: WorkerShare
    attempt: Attempt | None = None
    limit: float | None = None
    hangs: bool = False

    @property
    def idle(self) -> bool:
        """Whether it can be given a job."""
        return self.process.pid is not None and self.attempt is None and not self.hangs

    def end_if_overdue(self) -> None:
        """End a worker that hangs, at first so that it can save what it has."""
        if self.limit is not None and monotonic() >= self.limit:
            self.process.signal(signal.SIGKILL if self.hangs else signal.SIGTERM)
            self.hangs, self.limit = True, monotonic() + GRACE_S


class Workers:
    """Processes, one for each share at most, and the server that they are forked from."""

    def __init__(self, shares: Sequence[WorkerShare]) -> None:
        self._shares = list(shares)
        self._running: list[Worker] = []
        self._server: WorkerServer | None = None
        self._failed_starts = 0

    def __iter__(self) -> Iterator[Worker]:
        return iter(list(self._running))

    @property
    def busy(self) -> int:
        """How many have a job."""
        return sum(each.attempt is not None for each in self._running)

    def start_server(self) -> None:
        """Begin to load what workers need."""
        if self._server is None or not self._server.alive:
            self._end_server()
            self._server = acquire_server()

    def start(self, count: int) -> None:
        """Start further ones until there are `count`, or as many as there are shares.

        Raises:
            CompressError: they end before they are ready, one after the other.
        """
        while len(self._running) < min(len(self._shares), count):
            self.start_server()
            assert self._server is not None
            used = [each.share for each in self._running]
            share = next(each for each in self._shares if not any(each is other for other in used))
            try:
                self._running.append(Worker(self._server.fork(share), share))
            except OSError:  # the server has ended a moment ago
                self._failed_start(self._server.last_line())

    def listen(self, woken: Connection, seconds: float | None) -> Iterator[tuple[Worker, tuple[Any, ...] | None]]:
        """Wait until something is said: messages of workers, and None of those that have ended; nothing when `woken`.

        What says that a worker is ready is heard here.
        """
        workers = {each.process.connection: each for each in self._running}
        for ready in wait([woken, *workers], seconds):
            assert isinstance(ready, Connection)
            try:
                message = ready.recv()
            except (EOFError, OSError):
                message = None
            if ready is woken:
                continue
            if message is not None and message[0] == "ready":
                workers[ready].process.pid, self._failed_starts = message[1], 0
            else:
                yield workers[ready], message

    def remove(self, worker: Worker) -> str:
        """Take out one that has ended; how it did, in words.

        Raises:
            CompressError: as `start`.
        """
        self._running.remove(worker)
        how = worker.process.ending()
        if worker.process.pid is None:
            self._failed_start(how)
        return how

    def end(self, woken: Connection, killed: Callable[[], bool]) -> None:
        """Let idle workers go, and busy ones save what they train; whoever takes longer than `GRACE_S` is killed.

        Args:
            killed: Whether all are to be killed now; asked whenever something is said, by `woken` too.
        """
        begin = monotonic()
        for each in self:
            each.process.signal(signal.SIGTERM)
        while any(each.process.pid is not None for each in self._running) and not killed():
            left = begin + GRACE_S - monotonic()
            if left <= 0:
                break
            for worker, message in self.listen(woken, left):
                if message is None:
                    self._running.remove(worker)
                    worker.process.ending()
        for each in self._running:
            each.process.signal(signal.SIGKILL)
            each.process.ending()
        self._running.clear()
        self._end_server()

    def _failed_start(self, how: str) -> None:
        self._failed_starts += 1
        if self._failed_starts >= _STARTS:
            raise CompressError(
                f"Worker processes do not start: {how}. Look at what they lack, or use --executor inline."
            )

    def _end_server(self) -> None:
        if self._server is not None:
            release_server(self._server)
            self._server = None
