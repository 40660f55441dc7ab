"""What every `Executor` keeps, as checks that the tests of one can run: `CHECKS`, each given a function that makes it.

    @pytest.mark.parametrize("check", executor_checks.CHECKS)
    def test_conformance(check, data):
        check(lambda watch: MyExecutor(watch), executor_checks.small_setup(data))

The jobs are real ones, of a teacher small enough to be distilled in a second.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest
import torch

from compress.core import CompressError, FileError, TrackerSpec
from compress.core.progress import Progress, no_progress
from compress.data import DataReference, open_source
from compress.distill import StudentRecipe
from compress.driver.executors import Executor, Watch
from compress.driver.jobs import Rung, TrainingSetup, TrialJob, TrialResult
from compress.driver.teacher import keep_teacher
from compress.driver.worker import run_job
from compress.models import build
from compress.testing.trained_run import STATIC

Check = Callable[[Callable[[Watch], Executor], TrainingSetup], None]

SHORTER = tuple(replace(STATIC, layers=STATIC.layers[:depth]) for depth in (3, 2))


def small_setup(data: str) -> TrainingSetup:
    """A teacher of four thin layers with random weights, kept in the store; four steps of distillation.

    Args:
        data: What students are scored on, such as `folder:PATH`.
    """
    torch.manual_seed(0)
    return TrainingSetup(
        teacher=keep_teacher(build(STATIC).eval()),
        evaluation=DataReference.of(open_source(data)),
        training=DataReference.of(open_source("generated")),
        pairs=8,
        rungs=(Rung("rung-0", 0), Rung("full", 4, short=False)),
        seed=0,
        recipe=StudentRecipe(batch=2),
        device="cpu",
    )


def job_of(setup: TrainingSetup, spec: TrackerSpec, trial: int = 0, rung: int = 1) -> TrialJob:
    """A job without exit thresholds to choose."""
    return TrialJob(trial, spec, rung, setup)


def untimed(result: TrialResult) -> TrialResult:
    """A result that compares with another of the same job."""
    return replace(result, seconds=0.0)


def results_are_those_of_the_worker(make: Callable[[Watch], Executor], setup: TrainingSetup) -> None:
    """Each job once, those too that are submitted while others run; whatever runs them, the figures are the same."""
    jobs = [job_of(setup, spec, trial) for trial, spec in enumerate(SHORTER)]
    executor, waiting, found = make(_unwatched), list(jobs), []
    assert executor.free >= 1
    executor.submit(waiting.pop(0))
    for result in executor.as_completed():
        found.append(untimed(result))
        if waiting and executor.free:
            executor.submit(waiting.pop(0))
    assert list(executor.as_completed()) == []
    executor.shutdown()
    assert sorted(found, key=lambda each: each.trial) == [untimed(run_job(job)) for job in jobs]


def a_student_that_diverges_is_a_failed_result(make: Callable[[Watch], Executor], setup: TrainingSetup) -> None:
    """The others go on."""
    executor = make(_unwatched)
    bad = replace(setup, recipe=replace(setup.recipe, lr=1e30))
    executor.submit(job_of(bad, SHORTER[0], trial=5))
    (result,) = executor.as_completed()
    assert (result.trial, result.accuracy) == (5, None)
    assert "diverged" in result.error
    executor.submit(job_of(setup, SHORTER[0], trial=6))
    assert [each.error for each in executor.as_completed()] == [""]
    executor.shutdown()


def what_no_student_could_do_without_is_raised(make: Callable[[Watch], Executor], setup: TrainingSetup) -> None:
    """Data that is gone ends the search, not one trial after the other."""
    executor = make(_unwatched)
    gone = replace(setup.evaluation, source="folder:/nowhere/at/all")
    executor.submit(job_of(replace(setup, evaluation=gone), SHORTER[0]))
    with pytest.raises(FileError, match="nowhere"):
        list(executor.as_completed())
    executor.shutdown()


def an_interrupt_leaves_it_fit_to_shut_down(make: Callable[[Watch], Executor], setup: TrainingSetup) -> None:
    """Ctrl-C comes while a result is handled and a job waits or runs; `shutdown` returns all the same."""
    executor = make(_unwatched)
    executor.submit(job_of(setup, SHORTER[0]))
    with suppress(KeyboardInterrupt):
        for _ in executor.as_completed():
            executor.submit(job_of(setup, SHORTER[1]))
            raise KeyboardInterrupt
    executor.shutdown()
    assert executor.free == 0


def shut_down_it_takes_nothing_more(make: Callable[[Watch], Executor], setup: TrainingSetup) -> None:
    """Twice is as good as once."""
    executor = make(_unwatched)
    executor.shutdown()
    executor.shutdown()
    assert executor.free == 0
    with pytest.raises(CompressError, match="shut down"):
        executor.submit(job_of(setup, SHORTER[0]))


CHECKS: tuple[Check, ...] = (
    results_are_those_of_the_worker,
    a_student_that_diverges_is_a_failed_result,
    what_no_student_could_do_without_is_raised,
    an_interrupt_leaves_it_fit_to_shut_down,
    shut_down_it_takes_nothing_more,
)


def _unwatched(job: TrialJob) -> Progress:
    return no_progress
