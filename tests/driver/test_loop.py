"""The search loop: for real on a tracker small enough to train here, and with strategies that misbehave."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest

from compress.archive import Record, store_record
from compress.core import CompressError, Latency, LatencyConstraint, TrackerSpec
from compress.driver import SearchSettings
from compress.driver.executors import EXECUTORS
from compress.driver.jobs import Rung, TrainingSetup, TrialResult
from compress.driver.loop import Journal, run_trials
from compress.driver.planned_work import PlannedWork
from compress.driver.preparation import work_of
from compress.driver.proposals import Proposals
from compress.driver.run_dir import Log
from compress.driver.strategies.halving import Halving
from compress.driver.time_budget import TimeBudget
from compress.driver.trials import Trials
from compress.driver.worker import students_of
from compress.latency import LatencyModel
from compress.spaces import load_space
from compress.testing.executor_checks import SHORTER, small_setup
from compress.testing.strategy_trials import TEACHER, earlier_trials
from compress.testing.trained_run import STATIC

LATENCY = Latency(1.0, 1.0, 1.0, 1.0, 0.5, "predicted", 1, 0, 1, "none", "none")


def _search(setup: TrainingSetup, run_dir: Path, deadline: float = inf) -> tuple[Trials, list[tuple[str, float]]]:
    """Halving over two students that are asked for already."""
    study = optuna.create_study(directions=["minimize", "maximize"])
    for i, spec in enumerate(SHORTER):
        store_record(study.ask(), Record(f"v{i:03d}", i, spec, "running", predicted=LATENCY))
    proposals = Proposals(study, load_space("ostrack"), STATIC, lambda spec: pytest.fail("nothing new is asked for"))
    model: Any = LatencyModel
    students = students_of(setup)
    trials = Trials(
        proposals, model, LatencyConstraint(2.0), setup, work=work_of(students), budget=TimeBudget(deadline)
    )
    shown: list[tuple[str, float]] = []
    work = PlannedWork(lambda text, share, figures=None: shown.append((text, share)))
    journal = Journal(run_dir, Log(run_dir), work, trials, students)
    strategy = Halving(trials, students=2, eta=2, members=1)
    run_trials(strategy, EXECUTORS["inline"](SearchSettings(), journal.watch), trials, journal)
    return trials, shown


def test_results_are_recorded_weights_delivered_and_progress_shown(data: str, tmp_path: Path) -> None:
    trials, shown = _search(small_setup(data), tmp_path)
    fidelities = [trials[i].fidelity for i in (0, 1)]
    assert sorted(fidelities) == ["full", "rung-0"]
    assert {trials[i].status for i in (0, 1)} == {"done"}
    trained = {trials[i].spec.weights_id for i in (0, 1) if trials[i].fidelity == "full"}
    assert {path.stem for path in (tmp_path / "checkpoints").iterdir()} == trained
    shares = [share for _, share in shown]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    log = (tmp_path / "log.txt").read_text()
    assert log.count("AO ") == 3
    assert "step 4 of 4: loss" in log


def test_students_that_diverge_are_marked_and_the_search_goes_on(data: str, tmp_path: Path) -> None:
    setup = small_setup(data)
    trials, _ = _search(replace(setup, recipe=replace(setup.recipe, lr=1e30)), tmp_path)
    failed = [trials[i] for i in (0, 1) if trials[i].status == "failed"]
    assert [record.fidelity for record in failed] == ["rung-0"]  # what it was before
    assert "diverged" in failed[0].reason
    assert trials.trained == 2
    assert "failed: " in (tmp_path / "log.txt").read_text()


def test_after_the_deadline_nothing_begins(data: str, tmp_path: Path) -> None:
    trials, _ = _search(small_setup(data), tmp_path, deadline=-inf)
    assert trials.trained == 0
    assert not (tmp_path / "checkpoints").exists()


def test_weights_that_were_trained_further_are_not_written_over(tmp_path: Path) -> None:
    """Students that differ in the kept share alone have one file, and one of them may come later than another."""
    share = replace(TEACHER.layers[0], keep=0.7)
    further = replace(TEACHER, layers=(share, *TEACHER.layers[1:]), keep_least=0.3)
    rungs = (Rung("rung-0", 4), Rung("full", 8, short=False))
    record = Record("v000", 0, further, "done", rungs=({"fidelity": "rung-0"}, {"fidelity": "full"}))
    trials = earlier_trials([record], rungs, work=(4, 12), bound_ms=20.0)
    delivered: list[tuple[TrackerSpec, int]] = []
    students: Any = SimpleNamespace(
        setup=trials.setup, trained=lambda rung: True, deliver=lambda spec, rung, folder: delivered.append((spec, rung))
    )
    journal = Journal(tmp_path, Log(tmp_path), PlannedWork(), trials, students)
    other = replace(further, keep_least=0.2)
    for spec in (further.keeping(0.5), other):
        for rung in rungs:
            journal.deliver(TrialResult(1, rung.fidelity, spec, 1.0))
    assert further.keeping(0.5).weights_id == further.weights_id
    assert delivered == [(further.keeping(0.5), 1), (other, 0), (other, 1)]


class Stuck:
    """Waits for results that nobody works on."""

    done, planned_work = False, (1.0,)

    def propose(self, count: int) -> list[Any]:
        return []

    def observe(self, result: Any) -> None: ...

    def stop(self) -> None: ...


def test_a_strategy_that_waits_for_nothing_is_an_error(tmp_path: Path) -> None:
    nobody: Any = None
    trials = earlier_trials([], (), work=(), bound_ms=1.0)
    journal = Journal(tmp_path, Log(tmp_path), PlannedWork(), trials, nobody)
    executor = EXECUTORS["inline"](SearchSettings(), journal.watch)
    with pytest.raises(CompressError, match="proposed nothing although it is not done"):
        run_trials(Stuck(), executor, trials, journal)
    assert executor.free == 0
