"""Nothing is timed on this host while students are trained, and none begins while something is timed."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from compress.core.files import home
from compress.core.locks import locked
from compress.driver.turns import timing_turn, training_turn


def test_one_search_after_the_other_times() -> None:
    order: list[str] = []

    def second() -> None:
        with timing_turn(lambda text, share, figures=None: order.append(text) or held.set(), every_s=0.01):
            order.append("second")

    held, thread = threading.Event(), threading.Thread(target=second)
    with timing_turn():
        thread.start()
        assert held.wait(60)
        order.append("first")
    thread.join()
    assert order[0] == "waiting while another search measures"
    assert order.index("first") < order.index("second")


def test_a_turn_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with locked(home() / ".timing.lock"), timing_turn(most_s=0.0):
        pass
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path / "file"))
    with timing_turn():
        pass


def test_timing_waits_for_jobs_under_way_and_keeps_others_from_beginning() -> None:
    """Job 1 runs; a search wants to time; job 2 comes after it has asked, and begins when it has timed."""
    order: list[str] = []
    asked, at_the_gate = threading.Event(), threading.Event()

    def time_something() -> None:
        with timing_turn(lambda text, share, figures=None: order.append(text) or asked.set(), every_s=0.01):
            order.append("timed")

    def job() -> None:
        with training_turn(lambda text, share, figures=None: order.append(text) or at_the_gate.set()):
            order.append("job 2")

    threads = [threading.Thread(target=time_something), threading.Thread(target=job)]
    with training_turn():
        threads[0].start()
        assert asked.wait(60)
        threads[1].start()
        assert at_the_gate.wait(60)
        order.append("job 1")
    for thread in threads:
        thread.join()
    assert order[0] == "waiting until no student is trained on this machine"
    assert order.index("waiting while a search measures on this machine") < order.index("job 1")
    assert order.index("job 1") < order.index("timed") < order.index("job 2")


def test_jobs_do_not_wait_for_each_other() -> None:
    with training_turn(), training_turn():
        pass


def test_a_home_that_cannot_be_written_makes_nobody_wait(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path / "file"))
    with training_turn(), timing_turn():
        pass
