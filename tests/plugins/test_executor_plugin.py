"""An executor from outside the package: this file and one registration, and a real search runs on it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path

import pytest

from compress import search
from compress.archive import Archive
from compress.core import CompressError
from compress.driver import SearchSettings
from compress.driver.executors import EXECUTORS, Watch
from compress.driver.jobs import TrialJob, TrialResult
from compress.driver.worker import run_job
from compress.testing import executor_checks
from compress.testing.small_teacher import SMALL


class Processes:
    """Two fresh processes, which share nothing with this one but the store."""

    workers = 2

    def __init__(self, settings: SearchSettings, watch: Watch) -> None:
        context = get_context("forkserver")  # spawned ones would each import PyTorch
        context.set_forkserver_preload(["compress.driver.worker", "compress.distill"])
        # The server that they are forked from has the environment of its own start.
        here = f"import os; os.environ['COMPRESS_HOME'] = {os.environ['COMPRESS_HOME']!r}"
        self._pool = ProcessPoolExecutor(2, mp_context=context, initializer=exec, initargs=(here,))
        self._running: set[Future[TrialResult]] = set()
        self._open = True

    @property
    def free(self) -> int:
        return 2 - len(self._running) if self._open else 0

    def submit(self, job: TrialJob) -> None:
        if not self._open:
            raise CompressError("These processes were shut down.")
        self._running.add(self._pool.submit(run_job, job))

    def as_completed(self) -> Iterator[TrialResult]:
        while self._running:
            ended = next(iter(wait(self._running, return_when=FIRST_COMPLETED).done))
            self._running.remove(ended)
            yield ended.result()

    def shutdown(self) -> None:
        self._open = False
        self._running.clear()
        self._pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="module", autouse=True)
def registered() -> Iterator[None]:
    EXECUTORS.register("processes", Processes)
    yield
    EXECUTORS.remove("processes")


@pytest.mark.parametrize("check", executor_checks.CHECKS, ids=lambda check: check.__name__)
def test_conformance(check: executor_checks.Check, data: str) -> None:
    check(lambda watch: EXECUTORS["processes"](SearchSettings(), watch), executor_checks.small_setup(data))


def test_a_search_on_it_finds_what_it_finds_inline(
    tmp_path: Path, weights: str, data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(executor: str) -> Archive:
        monkeypatch.setenv("COMPRESS_HOME", str(tmp_path / f"home-{executor}"))
        settings = {"teacher": SMALL, "weights": weights, "data": data, "target": "agx", "steps": 2, "pool": 64}
        settings |= {"trials": 2, "eta": 2, "members": 1, "device": "cpu"}
        return search(out=tmp_path / executor, executor=executor, **settings)

    here, there = found("inline"), found("processes")
    assert [r.spec for r in there.records] == [r.spec for r in here.records]
    assert [r.accuracy for r in there.records] == [r.accuracy for r in here.records]
    assert {r.fidelity for r in there.records if r.accuracy} == {"rung-0", "full"}
