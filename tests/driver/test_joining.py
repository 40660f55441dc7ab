"""Several searches on one run: nothing is drawn twice, what a dead one left is brought to an end, all see all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from compress.archive import Record, new_study_file, read_archive, read_study, run_dir_lock, running_search
from compress.core import CompressError, LatencyConstraint
from compress.core.progress import no_progress
from compress.driver.joining import JoinedSearch
from compress.driver.proposals import Proposals
from compress.driver.session import Session, open_sessions
from compress.driver.stored_trials import Asked
from compress.driver.study import open_study
from compress.latency import gate
from compress.spaces import Space
from compress.testing.killed_search import SMALL as SMALL_SEARCH
from compress.testing.strategy_trials import TEACHER, LayersModel

SMALL = Space("small", {"depth": (2, 3, 4, 6), "mlp_ratio": (1, 2, 4)})


def _process(run: Path) -> Proposals:
    """What one process has of a run."""
    study, bound = open_study(run, sampler="random", seed=0), LatencyConstraint(9.0)
    found = Proposals(study, SMALL, TEACHER, lambda spec: gate(LayersModel(), spec, constraint=bound))
    found.shared = True
    return found


def test_two_that_draw_at_once_draw_nothing_twice(tmp_path: Path) -> None:
    """Each sees what the other entered; and where it could not have, the later one gives way."""
    first, second = _process(tmp_path), _process(tmp_path)
    a, b = first.accepted(Asked("a")), second.accepted(Asked("b"))
    numbers = [next(each) for _ in range(4) for each in (a, b)]
    assert len(set(numbers)) == 8
    assert second.given(_spec(first, numbers[0]), Asked("b")) is None
    first.known.clear()  # as if the others had drawn theirs since it looked
    first._read = 0
    assert first.given(_spec(second, numbers[1]), Asked("a")) is None
    trials = read_study(tmp_path).trials
    assert [trial.user_attrs["record"]["number"] for trial in trials] == [trial.number for trial in trials]
    running = [Record.from_attrs(t.user_attrs["record"]) for t in trials if t.state.name == "RUNNING"]
    assert len({record.spec.weights_id for record in running}) == len(running) == 8


def _spec(proposals: Proposals, number: int) -> object:
    proposals.refresh()
    return Record.from_attrs(proposals.stored[number].user_attrs["record"]).spec


def test_a_session_that_nobody_holds_is_taken_over(tmp_path: Path) -> None:
    mine, theirs = _process(tmp_path), _process(tmp_path)
    with ExitStack() as held, ExitStack() as other:
        joined, dying = JoinedSearch(tmp_path, held), JoinedSearch(tmp_path, other)
        name, left = joined.begin(mine.stored), dying.begin(theirs.stored)
        assert name != left
        next(theirs.accepted(Asked(left)))
        next(mine.accepted(Asked(name)))
        other.close()  # as when its process ends
        Session(mine.stored, name).end()
        assert joined.next(mine.stored, no_progress) == left
        Session(mine.stored, left).end()
        assert joined.next(mine.stored, no_progress) is None
        assert open_sessions(mine.stored) == []


def test_other_hosts_cannot_share_a_file_of_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process = _process(tmp_path)
    with ExitStack() as held, ExitStack() as other:
        JoinedSearch(tmp_path, held).begin(process.stored)
        monkeypatch.setattr("socket.gethostname", lambda: "elsewhere")
        with pytest.raises(CompressError, match="Begin the search with --storage"):
            JoinedSearch(tmp_path, other).begin(process.stored)


def test_joined_searches_hold_a_run_together_and_others_not(tmp_path: Path) -> None:
    new_study_file(tmp_path / "study.db")
    (tmp_path / ".sessions").mkdir()
    with run_dir_lock(tmp_path, shared=True), run_dir_lock(tmp_path, shared=True):
        assert running_search(tmp_path) is not None
        with pytest.raises(CompressError, match="searches that all have --join share a run"), run_dir_lock(tmp_path):
            pytest.fail("held")
    assert running_search(tmp_path) is None
    with (
        run_dir_lock(tmp_path),
        pytest.raises(CompressError, match="begun without --join"),
        run_dir_lock(tmp_path, shared=True),
    ):
        pytest.fail("held")


@pytest.mark.slow
@pytest.mark.parametrize("storage", ["", "journal:{}/study.journal"], ids=["sqlite", "journal"])
def test_two_share_a_search_and_one_is_killed(tmp_path: Path, nano_weights: str, data: str, storage: str) -> None:
    out = tmp_path / "run"
    settings = SMALL_SEARCH | {"trials": 8, "steps": 8}
    command = [sys.executable, "-m", "compress", "search", "--join", "--out", str(out), "--weights", nano_weights]
    command += ["--data", data, *(["--storage", storage.format(tmp_path)] if storage else [])]
    for name, value in settings.items():
        command += [f"--{name}", str(value)]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=dict(os.environ)) for _ in range(2)]
    while not _sessions_with_results(out) >= 2:
        assert all(each.poll() is None for each in both), [each.stderr.read() for each in both if each.stderr]
        time.sleep(0.2)
    os.kill(both[1].pid, signal.SIGKILL)
    both[1].communicate()
    _, errors = both[0].communicate(timeout=600)
    assert both[0].returncode in (0, 3), errors
    archive = read_archive(out)
    assert not [r for r in archive.records if r.status == "running"]
    tried = [r.spec.weights_id for r in archive.records if r.status in ("done", "failed", "missed")]
    assert len(tried) == len(set(tried)) >= 8  # each may be amid a generation when the others have enough
    assert (out / "report" / "index.html").is_file()


def _sessions_with_results(out: Path) -> int:
    try:
        trials = read_study(out).trials
    except CompressError:
        return 0
    scored = [t for t in trials if t.user_attrs["record"]["rungs"]]
    return len({asked.session for t in scored if (asked := Asked.of(t)) is not None})
