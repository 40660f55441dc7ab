"""Successive halving on students with scores that are made up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from compress.archive import Record
from compress.core import (
    BypassSpec,
    ExecutionPath,
    ExitSpec,
    TrackerSpec,
)
from compress.driver.jobs import Rung, TrialJob, TrialResult
from compress.driver.strategies.halving import Halving
from compress.driver.trials import Trials
from compress.runtime.thresholds import with_thresholds
from compress.testing.strategy_trials import TEACHER, accuracy, earlier_trials, latency, shallower

_RUNGS = (Rung("rung-0", 0), Rung("rung-1", 4), Rung("full", 6, short=False))


def _trials(records: list[Record]) -> Trials:
    return earlier_trials(records, _RUNGS, work=(1, 5, 7), bound_ms=5.0)


def _records(specs: list[TrackerSpec]) -> list[Record]:
    return [Record(f"v{i:03d}", i, spec, "running", predicted=latency(4.0 + i / 10)) for i, spec in enumerate(specs)]


def _result(job: TrialJob, ao: float, **found: Any) -> TrialResult:
    return TrialResult(job.trial, job.fidelity, job.spec, 0.5, accuracy(ao), **found)


def _search(order: Callable[[list[TrialJob]], list[TrialJob]]) -> tuple[Trials, list[list[tuple[int, str]]]]:
    """Halving over five students, of which the slower are the better; results come in some order."""
    trials = _trials(_records([shallower(d) for d in (12, 11, 10, 9, 8)]))
    strategy, rounds = Halving(trials, students=5, eta=2, members=1), []
    while not strategy.done:
        jobs = [*strategy.propose(2), *strategy.propose(9)]
        rounds.append([(job.trial, job.fidelity) for job in jobs])
        assert strategy.propose(9) == []
        for job in order(jobs):
            result = _result(job, 0.5 + job.trial / 100)
            trials.add(result)
            strategy.observe(result)
    return trials, rounds


@pytest.mark.parametrize("order", [list, lambda jobs: jobs[::-1]], ids=["in order", "backwards"])
def test_half_of_a_generation_goes_on(order: Callable[[list[TrialJob]], list[TrialJob]]) -> None:
    """Whichever result comes first."""
    trials, rounds = _search(order)
    assert rounds == [
        [(0, "rung-0"), (1, "rung-0"), (2, "rung-0"), (3, "rung-0"), (4, "rung-0")],
        [(4, "rung-1"), (0, "rung-1"), (2, "rung-1")],
        [(4, "full"), (0, "full")],
    ]
    assert [len(trials[i].rungs) for i in range(5)] == [3, 1, 2, 1, 3]
    assert [entry["steps"] for entry in trials[4].rungs] == [0, 4, 10]
    assert trials.trained == 5
    study = trials._proposals.study
    assert {trial.state.name for trial in study.get_trials()} == {"COMPLETE"}
    assert all(list(trial.constraints) == ["latency"] for trial in study.get_trials())


def test_what_differs_in_the_precision_alone_goes_on_with_the_other() -> None:
    """It has the weights of the other by then."""
    low = [replace(shallower(d), precision="int8") for d in (12, 11)]
    trials = _trials(_records([shallower(12), shallower(11), *low]))
    strategy, reached = Halving(trials, students=4, eta=4, members=1), []
    while not strategy.done:
        for job in strategy.propose(9):
            reached.append((job.trial, job.fidelity))
            result = _result(job, 0.7 if len(job.spec.layers) == 11 else 0.5)
            trials.add(result)
            strategy.observe(result)
    assert reached[4:] == [(1, "rung-1"), (3, "rung-1"), (1, "full"), (3, "full")]
    assert trials._cost(1, 2).steps > 0 == trials._cost(3, 2).steps, "who comes second is scored alone"
    order = strategy._choice([0, 1, 2, 3], 4)
    assert [set(order[:2]), set(order[2:])] == [{1, 3}, {0, 2}], "one behind the other, also where all go on"
    assert trials.trained_further(low[1], 1) is False  # its space holds no precision, so that nothing is looked up


def test_rungs_that_a_stopped_search_has_run_are_not_run_again() -> None:
    records = _records([shallower(12), shallower(11)])
    records[1] = replace(records[1], accuracy=accuracy(0.6), rungs=({"fidelity": "rung-0", "ao": 0.6, "steps": 0},))
    trials = _trials(records)
    strategy = Halving(trials, students=2, generation=2, eta=2, members=1)
    first, second = strategy.propose(9)
    assert trials.recorded(first) is None
    assert trials.recorded(second) == 0.0
    strategy.observe(trials.relive(second))
    trials.add(result := _result(first, 0.4))
    strategy.observe(result)
    assert [(job.trial, job.fidelity) for job in strategy.propose(9)] == [(1, "rung-1")]


def test_a_student_that_fails_leaves_its_generation() -> None:
    trials = _trials(_records([shallower(12), shallower(11)]))
    strategy = Halving(trials, students=2, generation=2, eta=2, members=1)
    bad, good = strategy.propose(9)
    for result in (TrialResult(bad.trial, bad.fidelity, bad.spec, 0.5, error="diverged"), _result(good, 0.5)):
        trials.add(result)
        strategy.observe(result)
    assert [(job.trial, job.fidelity) for job in strategy.propose(9)] == [(good.trial, "rung-1")]
    assert (trials[bad.trial].status, trials[bad.trial].reason) == ("failed", "diverged")
    assert [trial.state.name for trial in trials._proposals.study.get_trials()] == ["FAIL", "RUNNING"]


def test_after_its_time_it_ends_what_it_has_begun() -> None:
    trials = _trials(_records([shallower(12), shallower(11)]))
    strategy = Halving(trials, students=9, generation=2, eta=2, members=1)
    jobs = strategy.propose(9)
    strategy.stop()
    while jobs:
        for job in jobs:
            trials.add(result := _result(job, 0.5))
            strategy.observe(result)
        jobs = strategy.propose(9)
    assert strategy.done
    assert trials[0].fidelity == "full"
    assert trials.trained == 2


def test_paths_are_counted_once_something_was_learned() -> None:
    spec = replace(TEACHER, bypass=BypassSpec(n_enf=2))
    trials = _trials(_records([spec, TEACHER]))
    number, other = trials.ask(2)
    skipping, whole = ExecutionPath(frozenset(spec.skippable)), ExecutionPath(frozenset())
    zero_shot = trials.add(_result(trials.job(number, 0), 0.5, paths={whole: 3}))
    assert zero_shot.paths is None
    assert zero_shot.optimistic
    assert zero_shot.predicted == latency(4.0)
    assert zero_shot.rungs[0]["layers"] == 12
    static = trials.add(_result(trials.job(other, 0), 0.5))
    assert static.predicted == latency(4.1)
    assert "layers" not in static.rungs[0]
    trials.add(_result(trials.job(number, 2), 0.5, paths={skipping: 2, whole: 1}))
    trials.finish(number)
    assert trials[number].paths == {skipping: 2, whole: 1}
    assert trials[number].predicted == latency((2 * 2 + 12) / 3)
    assert trials[number].reason == "predicted 5.33 ms, over the bound of 5 ms"
    assert trials._proposals.study.get_trials()[0].constraints["latency"] == pytest.approx(16 / 3 - 5)


def test_thresholds_that_were_chosen_stay_with_the_trial() -> None:
    spec = replace(TEACHER, exits=(ExitSpec(3, tau=0.25), ExitSpec(12)))
    trials = _trials(_records([spec]))
    (number,) = trials.ask(1)
    job = trials.job(number, 1)
    assert job.exits is not None
    assert job.exits.max_ms == pytest.approx(0.95 * 5.0)
    chosen = with_thresholds(spec, [0.75])
    record = trials.add(replace(_result(job, 0.5, paths={ExecutionPath(frozenset(), 1): 3}), spec=chosen))
    assert record.spec == chosen
    assert trials.job(number, 2).spec == chosen


def test_work_is_planned_by_generation() -> None:
    trials = _trials([])
    # Rungs of 1, 5 and 7 units: five students, three of them, two of them; then two, one, one.
    halving = Halving(trials, students=7, generation=5, eta=2, members=1)
    assert halving.planned_work == (5 * 1 + 3 * 5 + 2 * 7) + (2 * 1 + 1 * 5 + 1 * 7)
    assert Halving(trials, students=0, generation=5).planned_work == 0
    assert Halving(trials, students=40).planned_work == 40 * 1 + 10 * 5 + 6 * 7
