"""The executor `local`: worker processes on this machine, which share the store and divide cores and GPUs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from compress.core import CompressError
from compress.driver.executors.protocol import Watch
from compress.driver.executors.resources import WorkerShare
from compress.driver.executors.worker_pool import Event, WorkerPool
from compress.driver.jobs import TrainingSetup, TrialJob, TrialResult
from compress.driver.worker import needs_preparation, prepare


class Local:
    """Runs jobs in worker processes; see `Executor`, and `WorkerPool` for what becomes of one that is lost.

    What all students start from (pairs, the teacher's answers, shared weights) is made in this process, with all
    cores, before the first job that needs it; workers map the file of it, so that it is in memory once.

    Args:
        shares: What each worker uses.
        most_s: Seconds that a job may take, see `WorkerPool`; None for any.
    """

    def __init__(self, shares: Sequence[WorkerShare], watch: Watch, *, most_s: float | None = None) -> None:
        self._pool, self._watch = WorkerPool(shares, most_s=most_s), watch
        self.workers = len(shares)
        self._most = 2 * len(shares)  # one more for each worker, which begins while the search notes a result
        self._submitted: deque[TrialJob] = deque()
        self._prepared: set[TrainingSetup] = set()
        self._awaited = 0
        self._open = True

    @property
    def free(self) -> int:
        """Two jobs for each worker, less those that were submitted and not ended."""
        return max(0, self._most - self._awaited) if self._open else 0

    def submit(self, job: TrialJob) -> None:
        """Queue a job, which `as_completed` hands to a worker."""
        if not self._open:
            raise CompressError("This executor was shut down and takes no more jobs. Make another one.")
        self._awaited += 1
        self._pool.start()
        self._submitted.append(job)

    def as_completed(self) -> Iterator[TrialResult]:
        """Results as workers end; what they report is passed on meanwhile."""
        while self._awaited:
            self._begin()
            event = self._pool.events.get()
            if event.kind == "progress":
                self._report(event)
            elif self._awaited:
                self._awaited -= 1
                yield _result(event)

    def shutdown(self) -> None:
        """End the workers, which save the state of what they train, and wait until they have ended."""
        self._open, self._awaited = False, 0
        self._submitted.clear()
        self._pool.close()

    def _begin(self) -> None:
        """Hand over what was submitted; first make what it needs."""
        while self._submitted:
            job = self._submitted[0]
            if job.setup not in self._prepared and needs_preparation(job):
                prepare(job.setup, self._watch(job))
                self._prepared.add(job.setup)
            self._submitted.popleft()
            self._pool.put(job)

    def _report(self, event: Event) -> None:
        assert event.job is not None
        self._watch(event.job)(*event.values)


def _result(event: Event) -> TrialResult:
    if event.kind == "raised":
        raise event.values[0]
    return event.values[0]
