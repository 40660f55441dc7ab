"""Phases: each second is counted once, by the innermost, and by whoever collects."""

from __future__ import annotations

import threading

import pytest

from compress.core import CompressError, phases
from compress.core.phases import collected, phase, rounded


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that have passed; the tests say when."""
    now = [0.0]
    monkeypatch.setattr(phases, "perf_counter", lambda: now[0])
    return now


def test_what_is_within_is_not_counted_twice(clock: list[float]) -> None:
    with collected() as seconds:
        with phase("training"):
            clock[0] += 2
            for _ in range(2):
                with phase("pool"):
                    clock[0] += 3
            clock[0] += 1
        with phase("training"):
            clock[0] += 10
    assert seconds == {"training": 13, "pool": 6}


def test_an_inner_collector_keeps_its_phases_to_itself(clock: list[float]) -> None:
    with collected() as outer, phase("waiting"):
        clock[0] += 1
        with collected() as inner, phase("training"):
            clock[0] += 5
    assert (inner, outer) == ({"training": 5}, {"waiting": 1})


def test_a_phase_that_fails_counts_and_one_that_nobody_collects_does_not(clock: list[float]) -> None:
    @phase("scoring")
    def score() -> None:
        clock[0] += 4
        raise CompressError("no")

    for _ in range(2):
        with pytest.raises(CompressError), collected() as seconds:
            score()
        assert seconds == {"scoring": 4}
    with phase("alone"):
        clock[0] += 1


def test_threads_do_not_mix() -> None:
    with collected() as seconds, phase("main"):
        thread = threading.Thread(target=lambda: phase("other").__enter__())
        thread.start()
        thread.join()
    assert seconds.keys() == {"main"}


def test_rounding_leaves_out_what_took_no_time() -> None:
    assert rounded({"a": 1.23456, "b": 1e-5}) == {"a": 1.235}
