"""What jobs will take from what jobs took, and successive halving within a time, on a clock that jobs move on."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from compress.archive import Record
from compress.driver.jobs import Rung, TrialResult
from compress.driver.strategies.halving import Halving
from compress.driver.time_budget import FRAMES_PER_STEP, JobCost, TimeBudget, job_cost
from compress.driver.trials import Trials
from compress.testing.strategy_trials import TEACHER, accuracy, earlier_trials, latency, shallower

_RUNGS = (Rung("rung-0", 0), Rung("rung-1", 20), Rung("full", 60, short=False))


def test_a_student_of_half_the_layers_costs_about_half() -> None:
    whole = job_cost(TEACHER, TEACHER, steps=100, frames=60)
    assert whole == (100, 60)
    half = job_cost(shallower(6), TEACHER, steps=100, frames=60)
    assert 0.4 < half.steps / whole.steps < 0.7
    assert 0.4 < half.frames / whole.frames < 0.7


def test_asking_the_teacher_at_every_step_costs_a_third_of_a_step_of_its_own() -> None:
    kept, streamed = (job_cost(shallower(6), TEACHER, steps=9, frames=60, streamed=each) for each in (False, True))
    assert streamed.steps == pytest.approx(kept.steps + 3)
    assert streamed.frames == kept.frames


def test_a_deadline_moves_by_what_measuring_took_beyond_a_minute() -> None:
    budget = TimeBudget(deadline=540.0, reserve_s=40.0)
    assert (budget.put_off(59.0), budget.end) == (0.0, 500.0)
    assert (budget.put_off(300.0), budget.end) == (240.0, 740.0)


def test_steps_and_frames_are_told_apart() -> None:
    budget = TimeBudget()
    assert budget.seconds(JobCost(10, 10)) == 0
    budget.add(JobCost(0, 100), 2.0)
    assert budget.seconds(JobCost(0, 50)) == pytest.approx(1.1 * 1.0)
    assert budget.seconds(JobCost(1, 0)) == pytest.approx(1.1 * 0.02 * FRAMES_PER_STEP), "until a step was timed"
    budget.add(JobCost(10, 100), 7.0)
    assert budget.seconds(JobCost(4, 50)) == pytest.approx(1.1 * (2.0 + 1.0))


def test_a_few_results_from_the_store_do_not_make_it_sanguine() -> None:
    budget = TimeBudget()
    for seconds in (2.0, 0.0, 2.0, 2.0, 2.0):
        budget.add(JobCost(0, 100), seconds)
    assert budget.seconds(JobCost(0, 100)) == pytest.approx(1.1 * 2.0)


@dataclass
class _Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def _search(seconds: float, *, speed: float, students: int = 40) -> tuple[Trials, float, dict[str, int]]:
    """One worker; a unit of work of the teacher's size takes 1/speed seconds, of which there are so many."""
    clock = _Clock()
    specs = [shallower(2 + i % 11) for i in range(students)]
    records = [
        Record(f"v{i:03d}", i, spec, "running", predicted=latency(len(spec.layers) + i / 100))
        for i, spec in enumerate(specs)
    ]
    trials = earlier_trials(records, _RUNGS, work=(1, 21, 64), bound_ms=20.0)
    trials.budget = TimeBudget(seconds, clock=clock)
    strategy, counts = Halving(trials, students=students), dict.fromkeys(("rung-0", "rung-1", "full"), 0)
    while jobs := strategy.propose(1):
        (job,) = jobs
        cost = trials._cost(job.trial, job.rung)
        taken = (cost.steps + cost.frames / FRAMES_PER_STEP) / speed
        clock.now += taken
        ao = 0.3 + 0.05 * len(job.spec.layers) ** 0.5 + 0.001 * job.trial
        trials.add(result := TrialResult(job.trial, job.fidelity, job.spec, taken, accuracy(ao)))
        strategy.observe(result)
        counts[job.fidelity] += 1
    assert strategy.done
    return trials, clock.now, counts


@pytest.mark.parametrize("speed", [0.3, 1.0, 4.0])
def test_slower_machines_train_fewer_and_end_in_time(speed: float) -> None:
    _, taken, counts = _search(700.0, speed=speed)
    assert taken <= 700.0
    assert counts["rung-0"] == 40
    assert counts["full"] >= {0.3: 3, 1.0: 6, 4.0: 10}[speed]
    assert counts["rung-1"] >= counts["full"]


def test_one_is_trained_to_the_end_however_little_time_there_is() -> None:
    trials, _, counts = _search(3.0, speed=1.0)
    assert (counts["rung-1"], counts["full"]) == (1, 1)
    assert trials.trained >= counts["rung-0"]


def test_without_an_end_the_shares_alone_decide() -> None:
    trials, _, counts = _search(float("inf"), speed=1.0)
    assert counts == {"rung-0": 40, "rung-1": 10, "full": 6}
    kept = [trials[i] for i in range(40)]
    assert {record.status for record in kept} == {"done"}
    assert sorted({record.fidelity for record in kept}) == ["full", "rung-0", "rung-1"]
