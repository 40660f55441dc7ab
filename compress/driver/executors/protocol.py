"""`Executor`, and the registry of those that there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

from compress.core import Registry

if TYPE_CHECKING:
    from compress.core.progress import Progress
    from compress.driver.jobs import TrialJob, TrialResult

Watch = Callable[["TrialJob"], "Progress"]
"""Gives where the progress of a job is reported to, by executors that hear of it."""


class ExecutorSettings(Protocol):
    """What executors read of the settings of a search."""

    @property
    def device(self) -> str:
        """Where jobs are to train: `auto`, `cpu` or `cuda`; each job says it too."""

    @property
    def workers(self) -> int | None:
        """Jobs at once; None leaves it to the executor."""

    @property
    def job_seconds(self) -> float | None:
        """Seconds that a job may take, after which it is a result with an `error`; None for any."""

    @property
    def ray_address(self) -> str:
        """Of a Ray cluster that is running; empty for one on this machine."""

    @property
    def resources(self) -> str:
        """What a job asks a cluster for, see `resources.parsed_resources`; empty leaves it to the executor."""


class Executor(Protocol):
    """Runs jobs by `worker.run_job`, which needs the job and the store, so that this may be in another process or host.

    Only one thread calls it. Results come in any order, each once.
    """

    @property
    def free(self) -> int:
        """How many more jobs it takes now: those that could start at once, and where that saves time a few to follow.

        The search submits no more than that.
        """

    @property
    def workers(self) -> int:
        """How many jobs run at the same time."""

    def submit(self, job: TrialJob) -> None:
        """Take a job, without waiting for it.

        Raises:
            CompressError: after `shutdown`.
        """

    def as_completed(self) -> Iterator[TrialResult]:
        """Results as jobs end, of those submitted meanwhile too, until none is left.

        Raises:
            Exception: what `run_job` raised, which is about the search as a whole: data or a store that cannot be
                used. A student that cannot be trained is a result with an `error`.
        """

    def shutdown(self) -> None:
        """Drop what has not ended and give everything back; a second call does nothing.

        When it returns no job runs any more, so that what is timed afterwards has the machine to itself.
        """


EXECUTORS = Registry[Callable[[ExecutorSettings, Watch], Executor]]("executor")
"""By the name that `--executor` takes: makes an executor from the settings of a search and a `Watch`."""
