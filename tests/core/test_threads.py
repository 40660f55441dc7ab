"""Threads beyond what there is: refused where runtimes crash, and one warning where they only get slow."""

from __future__ import annotations

import warnings

import pytest

from compress.core import CompressWarning, UsageError
from compress.core.threads import MOST_THREADS, check_threads, usable_cores
from compress.measure.backends.pytorch import PyTorchBackend
from compress.runtime.sessions import session_options


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compress.core.threads.usable_cores", lambda: 2)
    monkeypatch.setattr("compress.core.threads._warned", set())


@pytest.mark.parametrize("threads", [0, -1, MOST_THREADS + 1, 100_000, 10**30])
def test_impossible_numbers_are_refused_before_a_runtime_sees_them(threads: int) -> None:
    for use in (check_threads, lambda n: session_options(threads=n), lambda n: PyTorchBackend().using(n).__enter__()):
        with pytest.raises(
            UsageError, match=f"from 1 to {MOST_THREADS} but is {threads}. This process can use 2 cores"
        ):
            use(threads)


def test_more_threads_than_cores_are_warned_of_once() -> None:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        for threads in (1, 2, 3, 3):
            session_options(threads=threads)
    assert [each.category for each in found] == [CompressWarning]
    assert "3 threads were asked for, but this process can use 2 cores" in str(found[0].message)
    assert "Ask for 2 or fewer" in str(found[0].message)


def test_there_is_a_core_to_run_on() -> None:
    assert usable_cores() >= 1
