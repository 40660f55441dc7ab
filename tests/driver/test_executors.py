"""What every executor keeps, run on each that is registered: real jobs on a tracker small enough to train here.

Then what becomes of the worker processes of `local` that are lost, late or left alone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compress.core.progress import Progress
from compress.driver import SearchSettings
from compress.driver.executors import EXECUTORS
from compress.driver.executors.local import Local
from compress.driver.executors.resources import divided
from compress.driver.executors.worker_process import kept_server
from compress.driver.jobs import Rung, TrainingSetup, TrialJob
from compress.testing import executor_checks
from compress.testing.executor_checks import SHORTER, job_of

_SLOW = {"ray": (pytest.mark.slow, pytest.mark.filterwarnings("ignore::FutureWarning"))}
"""A cluster takes its time to start."""

Heard = Callable[["Local", TrialJob, str], None]


@pytest.fixture(scope="module")
def setup(data: str) -> TrainingSetup:
    return executor_checks.small_setup(data)


@pytest.fixture(scope="module", autouse=True)
def _server() -> Iterator[None]:
    """The worker processes of `local` load PyTorch once for all tests."""
    with kept_server():
        yield


@pytest.mark.parametrize("check", executor_checks.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", [pytest.param(n, marks=_SLOW.get(n, ())) for n in EXECUTORS.names()])
def test_conformance(name: str, check: executor_checks.Check, setup: TrainingSetup) -> None:
    check(lambda watch: EXECUTORS[name](SearchSettings(workers=2), watch), setup)


@pytest.fixture
def endless(setup: TrainingSetup) -> TrainingSetup:
    """More steps than any test waits for; it reports every tenth."""
    return replace(setup, rungs=(Rung("rung-0", 0), Rung("full", 200, short=False)))


def _local(heard: Heard, *, workers: int = 1, **settings: Any) -> Local:
    """An executor of which `heard` learns what is reported of jobs."""

    def watch(job: TrialJob) -> Progress:
        return lambda text, share, figures=None: heard(executor, job, text)

    executor = Local(divided(workers, (0,) * workers), watch, **settings)
    return executor


def _pids(executor: Local) -> list[int]:
    return [each.process.pid for each in executor._pool.workers if each.process.pid is not None]


def _kill_in_training(executor: Local, job: TrialJob, text: str) -> None:
    if "Distilling" in text:
        for pid in _pids(executor):
            os.kill(pid, signal.SIGKILL)


def test_a_job_whose_worker_is_killed_runs_again_once(setup: TrainingSetup) -> None:
    killed: list[int] = []

    def kill_the_first(executor: Local, job: TrialJob, text: str) -> None:
        if not killed and "Distilling" in text:
            killed.extend(_pids(executor))
            _kill_in_training(executor, job, text)

    setup = replace(setup, seed=1, rungs=(setup.rungs[0], replace(setup.rungs[1], steps=60)))
    executor = _local(kill_the_first)
    executor.submit(job_of(setup, SHORTER[0], trial=3))
    (result,) = executor.as_completed()
    executor.shutdown()
    assert len(killed) == 1
    assert (result.trial, result.error) == (3, "")
    assert result.accuracy is not None


def test_one_whose_worker_is_killed_again_has_failed_and_others_go_on(endless: TrainingSetup) -> None:
    executor = _local(_kill_in_training)
    executor.submit(job_of(endless, SHORTER[0], trial=0))
    executor.submit(job_of(endless, SHORTER[1], trial=1, rung=0))
    results = {result.trial: result.error for result in executor.as_completed()}
    executor.shutdown()
    assert "was lost twice: it was killed by SIGKILL" in results[0]
    assert results[1] == ""


@pytest.mark.parametrize(("most_s", "error"), [(0.05, "longer than"), (0.0, "did not react")])
def test_a_job_that_takes_too_long_has_failed(
    endless: TrainingSetup, most_s: float, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker sees to it, or where it hangs, as a job seems to that may take no time at all, the search."""
    monkeypatch.setattr("compress.driver.executors.worker_pool.GRACE_S", 60.0 if most_s else 0.3)
    executor = _local(lambda *heard: None, most_s=most_s)
    steps = 200 if most_s else 100_000  # a twentieth of them is done before anything is reported
    executor.submit(job_of(replace(endless, seed=3, rungs=(Rung("full", steps),)), SHORTER[0], rung=0))
    (result,) = executor.as_completed()
    executor.shutdown()
    assert error in result.error


def test_an_interrupted_search_leaves_no_worker_and_the_state_of_its_training(endless: TrainingSetup) -> None:
    pids: list[int] = []

    def interrupt(executor: Local, job: TrialJob, text: str) -> None:
        if "Distilling" in text:
            pids.extend(_pids(executor))
            raise KeyboardInterrupt

    executor, before = _local(interrupt), _states()
    executor.submit(job_of(replace(endless, seed=2), SHORTER[0]))
    with pytest.raises(KeyboardInterrupt):
        list(executor.as_completed())
    executor.shutdown()
    assert len(pids) == 1
    assert not any(map(_runs, pids))
    assert len(_states() - before) == 1


SCRIPT = """
import sys
from compress.driver.executors.local import Local
from compress.driver.executors.resources import divided
from compress.testing.executor_checks import SHORTER, job_of, small_setup
from dataclasses import replace
from compress.driver.jobs import Rung

setup = replace(small_setup(sys.argv[1]), rungs=(Rung("rung-0", 0), Rung("full", 200, short=False)))
def heard(text, share, figures=None):
    if "Distilling" in text:
        workers = executor._pool.workers
        print(*[each.process.pid for each in workers], workers._server._process.pid, flush=True)
executor = Local(divided(1, (0,)), lambda job: heard)
executor.submit(job_of(setup, SHORTER[0]))
list(executor.as_completed())
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_worker_outlives_a_search_however_it_ends(data: str, number: int) -> None:
    """The script has no `__main__` guard: workers do not import it again."""
    with subprocess.Popen([sys.executable, "-c", SCRIPT, data], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pids = [int(each) for each in process.stdout.readline().split()]
        process.send_signal(number)
        process.stdout.read()
    assert len(pids) == 2
    while any(map(_runs, pids)):
        time.sleep(0.05)


def _states() -> set[Path]:
    """Of trainings that have not ended."""
    return set((Path(os.environ["COMPRESS_HOME"]) / "students").glob("*.training.safetensors"))


def _runs(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
