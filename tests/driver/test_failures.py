"""Students that fail, disks that are full: what is recorded, what is said, and that the search goes on or stops."""

from __future__ import annotations

import errno
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compress.core import Accuracy, CompressError
from compress.core.progress import no_progress
from compress.driver.failures import FailuresInARow, TooLongError, is_disk_full, within_time
from compress.driver.jobs import TrialJob
from compress.driver.run_dir import explaining_errors
from compress.driver.students import Students
from compress.driver.worker import run_job
from compress.testing.executor_checks import SHORTER, small_setup


@pytest.fixture
def job(data: str) -> TrialJob:
    return TrialJob(0, SHORTER[0], 0, small_setup(data))


def _scoring(monkeypatch: pytest.MonkeyPatch, outcome: Exception | float) -> None:
    def score(self: Students, *args: Any) -> Any:
        if isinstance(outcome, Exception):
            raise outcome
        accuracy = Accuracy(outcome, 0.5, 0.01, 0.5, 0.5, 0.5, 0.5, 0.5, 1, 10)
        return type("Score", (), {"accuracy": accuracy, "paths": None})()

    monkeypatch.setattr(Students, "score", score)


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (IndexError("list index out of range"), "Its job ended by IndexError at .*: list index out of range"),
        (MemoryError(), "does not fit into the memory of this machine"),
        (RuntimeError("CUDA error: an illegal memory access"), "RuntimeError at .*illegal memory access"),
        (float("nan"), "Its AO is nan, which is no number"),
    ],
)
def test_what_is_wrong_with_one_student_is_its_result(
    job: TrialJob, monkeypatch: pytest.MonkeyPatch, outcome: Exception | float, words: str
) -> None:
    _scoring(monkeypatch, outcome)
    result = run_job(job)
    assert result.accuracy is None
    assert re.search(words, result.error)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        RuntimeError("I/O error: No space left on device (28)"),
    ],
)
def test_a_full_disk_is_about_the_whole_search(
    job: TrialJob, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception
) -> None:
    _scoring(monkeypatch, error)
    words = "no room left on the disk .* Free some space .* run the same command again: it continues"
    with pytest.raises(CompressError, match=words), explaining_errors(tmp_path):
        run_job(job)


def test_a_student_that_takes_too_long_is_given_up_at_its_next_step(job: TrialJob) -> None:
    """At once here: there is no time at all."""
    result = run_job(replace(job, rung=1), most_s=-1.0)
    assert result.error.startswith("It took longer than")
    assert run_job(job, most_s=10_000.0).error == ""


def test_time_is_looked_at_when_progress_is_reported() -> None:
    assert within_time(no_progress, None) is no_progress
    within_time(no_progress, 1000.0)("x", 0.5)
    with pytest.raises(TooLongError, match=r"longer than the -1 minutes"):
        within_time(no_progress, -60.0)("x", 0.5, {})


def test_ten_failures_in_a_row_stop_the_search() -> None:
    failures = FailuresInARow()
    for i in range(9):
        failures.count(f"v{i:03d}", "diverged")
    failures.count("v009", "")
    for i in range(9):
        failures.count(f"v{10 + i:03d}", "diverged" if i else "too large")
    with pytest.raises(CompressError, match=r"10 students in a row .* v019: diverged, and 1 other.*the same command"):
        failures.count("v019", "diverged")


def test_a_full_disk_is_told_from_other_errors() -> None:
    cause = OSError(errno.EDQUOT, "Disk quota exceeded")
    outer = RuntimeError("writing failed")
    outer.__cause__ = cause
    assert is_disk_full(outer)
    assert not is_disk_full(OSError(errno.EACCES, "Permission denied"))
    assert not is_disk_full(None)
