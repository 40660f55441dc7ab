"""The executor `inline`: one job after the other, in this process."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from compress.core import CompressError
from compress.driver.executors.protocol import Watch
from compress.driver.jobs import TrialJob, TrialResult
from compress.driver.worker import run_job


class Inline:
    """Runs a job when its result is asked for; see `Executor`.

    Args:
        most_s: Seconds that a job may take; None for any.
    """

    workers = 1

    def __init__(self, watch: Watch, *, most_s: float | None = None) -> None:
        self._watch, self._most_s = watch, most_s
        self._waiting: deque[TrialJob] = deque()
        self._open = True

    @property
    def free(self) -> int:
        """One, unless a job waits."""
        return int(self._open and not self._waiting)

    def submit(self, job: TrialJob) -> None:
        """Queue a job."""
        if not self._open:
            raise CompressError("This executor was shut down and takes no more jobs. Make another one.")
        self._waiting.append(job)

    def as_completed(self) -> Iterator[TrialResult]:
        """Run what waits, in the order it was submitted. An interrupt by the user is raised as it comes."""
        while self._waiting:
            job = self._waiting.popleft()
            yield run_job(job, self._watch(job), most_s=self._most_s)

    def shutdown(self) -> None:
        """Drop what waits."""
        self._open = False
        self._waiting.clear()
