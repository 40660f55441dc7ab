"""What runs in the workers of a Ray cluster, and the hub through which they reach what the search has.

A worker whose home is the search's, on a file system that both see, needs nothing from the hub but the job. Others
have a home of their own: what their store lacks comes through the hub from the search's, and what they make goes back.
"""

from __future__ import annotations

import pickle
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

from compress.core.progress import Progress

ANSWER, PROGRESS = "answer", "reported"
"""Keys of what trials report to Tune."""

_REPORT_S = 2.0
"""Between two reports of progress that carry no figures."""


class Hub:
    """An actor on the search's host: holds jobs, and serves the files of its store.

    Args:
        root: The store's folder.
    """

    def __init__(self, root: str) -> None:
        self._root, self._jobs = Path(root), list[bytes]()
        self._mark = f".ray-{uuid4().hex}"
        self._root.mkdir(parents=True, exist_ok=True)
        (self._root / self._mark).touch()

    def add(self, job: bytes) -> int:
        """Keep a job; its number."""
        self._jobs.append(job)
        return len(self._jobs) - 1

    def job(self, number: int) -> bytes:
        """A job by its number."""
        return self._jobs[number]

    def mark(self) -> str:
        """Name of a file in the store's folder: who sees it there sees this store."""
        return self._mark

    def fetch(self, kind: str, key: str, suffix: str) -> bytes | None:
        """An entry's file; None where there is none."""
        from compress.core import Store

        return Store(self._root).find(kind, key, read=Path.read_bytes, suffix=suffix)

    def offer(self, kind: str, key: str, suffix: str, content: bytes) -> None:
        """Keep an entry that a worker has made, unless it is there."""
        from compress.core import Store

        def make(path: Path) -> None:
            path.write_bytes(content)

        Store(self._root).get(kind, key, read=Path.read_bytes, make=make, suffix=suffix)

    def close(self) -> None:
        """Remove the mark."""
        (self._root / self._mark).unlink(missing_ok=True)


class HubOrigin:
    """The store of the search as a worker with a home of its own sees it; see `compress.core.origin.Origin`."""

    def __init__(self, hub: Any) -> None:
        self._hub = hub

    def fetch(self, kind: str, key: str, suffix: str) -> bytes | None:
        """Through Ray's object store."""
        import ray

        return ray.get(self._hub.fetch.remote(kind, key, suffix))

    def offer(self, kind: str, key: str, suffix: str, content: bytes) -> None:
        """Likewise; returns once it is kept there."""
        import ray

        ray.get(self._hub.offer.remote(kind, key, suffix, content))


def run_trial(config: dict[str, Any], hub: Any, threads: int, modules: list[str], most_s: float | None) -> None:
    """Run one task in this worker and report what came of it as the last report of the trial.

    Args:
        threads: That it may use.
        modules: Outside of this package that have registered something.
        most_s: Seconds that a job may take, see `run_job`.
    """
    import ray
    from ray import tune

    from compress.driver.executors.resources import WorkerShare
    from compress.driver.executors.worker_server import picklable

    for name in modules:
        with suppress(Exception):  # a job that needs it says so
            import_module(name)
    WorkerShare(threads).apply()
    reports = _Reports(tune.report)
    try:
        _use_origin(hub, ray.get(hub.mark.remote()))
        answer = "result", _done(pickle.loads(ray.get(hub.job.remote(config["number"]))), reports, most_s)
    except Exception as error:
        answer = "raised", picklable(error)
    tune.report({ANSWER: pickle.dumps(answer)})


def _done(task: Any, reports: Progress, most_s: float | None) -> Any:
    from compress.driver.jobs import TrialJob
    from compress.driver.worker import needs_preparation, prepare, run_job

    if isinstance(task, TrialJob):
        return run_job(task, reports, most_s=most_s)
    if needs_preparation(task.job):
        prepare(task.setup, reports)
    return None


def _use_origin(hub: Any, mark: str) -> None:
    """Let the store of this process ask the hub, unless it is the search's own."""
    from compress.core.files import work_home
    from compress.core.origin import set_origin

    set_origin(None if (work_home() / mark).exists() else HubOrigin(hub))


class _Reports:
    """A `Progress` that goes to Tune, but not more often than anyone reads it."""

    def __init__(self, report: Any) -> None:
        self._report, self._next = report, 0.0

    def __call__(self, text: str, share: float, figures: Any = None) -> None:
        if figures or monotonic() >= self._next:
            self._report({PROGRESS: (text, share, dict(figures) if figures else None)})
            self._next = monotonic() + _REPORT_S
