"""A search that is killed at every moment at which it writes, and continued, ends as one that was not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import optuna
import pytest

from compress.archive import Record
from compress.core import LatencyConstraint
from compress.data import DataReference, open_source
from compress.driver.drawing import SeededSampler
from compress.driver.jobs import Rung, TeacherWeights, TrainingSetup, TrialJob, TrialResult
from compress.driver.proposals import Proposals
from compress.driver.samplers import SAMPLERS
from compress.driver.strategies import Strategy
from compress.driver.strategies.halving import Halving
from compress.driver.trials import Trials
from compress.latency import gate
from compress.spaces import load_space
from compress.testing.strategy_trials import TEACHER, LayersModel, accuracy

Make = Callable[[Trials], Strategy]
_RUNGS = (Rung("rung-0", 0), Rung("rung-1", 4), Rung("full", 6, short=False))
_WRITES = ("create_new_trial", "set_trial_user_attr", "set_trial_system_attr", "set_trial_state_values")


class _Killed(BaseException):
    pass


class _Dying:
    """A storage that is killed before its write number `left`."""

    def __init__(self, storage: Any, left: int) -> None:
        self._storage, self._left = storage, left

    def __getattr__(self, name: str) -> Any:
        if name in _WRITES:
            if self._left == 0:
                raise _Killed
            self._left -= 1
        return getattr(self._storage, name)


def _trials(study: optuna.Study, writes: int) -> Trials:
    bound, space = LatencyConstraint(9.0), load_space("ostrack")
    proposals = Proposals(study, space, TEACHER, lambda spec: gate(LayersModel(), spec, constraint=bound))
    proposals.enqueue_seeds()
    proposals.stored._storage = cast(Any, _Dying(study._storage, writes))
    nothing = DataReference.of(open_source("generated"))
    setup = TrainingSetup(TeacherWeights(TEACHER, "0"), nothing, nothing, pairs=8, rungs=_RUNGS, seed=0)
    return Trials(proposals, LayersModel(), bound, setup, work=(1, 5, 7))


def _result(job: TrialJob) -> TrialResult:
    """Made up from the spec; one in nine fails."""
    chance = int(job.spec.weights_id[1:], 16)
    if chance % 9 == 0:
        return TrialResult(job.trial, job.fidelity, job.spec, 0.1, error="diverged")
    return TrialResult(job.trial, job.fidelity, job.spec, 0.1, accuracy(0.3 + 0.1 * job.rung + chance % 97 / 500))


def _search(study: optuna.Study, make: Make, ran: list[tuple[int, str]], writes: int = -1) -> None:
    """As the loop does it, one job after the other."""
    trials = _trials(study, writes)
    strategy = make(trials)
    while jobs := strategy.propose(1):
        (job,) = jobs
        if trials.recorded(job) is not None:
            strategy.observe(trials.relive(job))
            continue
        trials.add(result := _result(job))
        ran.append((job.trial, job.fidelity))
        strategy.observe(result)
    assert strategy.done
    trials.session.end()


def _study(sampler: str) -> optuna.Study:
    study = optuna.create_study(directions=["minimize", "maximize"])
    study.sampler = SeededSampler(SAMPLERS[sampler], 3)
    return study


def _found(study: optuna.Study) -> list[tuple[str, Any]]:
    found = [(t.state.name, Record.from_attrs(t.user_attrs["record"])) for t in study.get_trials(deepcopy=False)]
    return [(state, (r.spec.id, r.status, r.fidelity, r.ao, len(r.rungs), r.reason)) for state, r in found]


def _written(study: optuna.Study) -> list[Any]:
    return [(t.state, t.user_attrs, t.system_attrs) for t in study.get_trials()]


def _generations(trials: Trials) -> Strategy:
    return Halving(trials, students=5, generation=3, members=1, eta=2)


def _wide(trials: Trials) -> Strategy:
    return Halving(trials, students=17, members=2)


@pytest.mark.parametrize(
    ("make", "stride"),
    [
        (_generations, 7),
        pytest.param(_generations, 1, marks=pytest.mark.slow),
        pytest.param(_wide, 3, marks=pytest.mark.slow),
    ],
)
def test_killed_at_any_write_it_ends_as_if_it_had_not_been(make: Make, stride: int) -> None:
    """With a sampler that learns: nothing is lost, nothing is run twice, and each trial is the same."""
    whole, ran = _study("tpe"), list[tuple[int, str]]()
    _search(whole, make, ran)
    assert len(ran) == len(set(ran))
    killed, again, writes = _study("tpe"), list[tuple[int, str]](), stride
    while True:
        # Killed after some writes; after one more where these were only what was written before, too.
        before = _written(killed)
        try:
            _search(killed, make, again, writes)
            break
        except _Killed:
            writes = stride if _written(killed) != before else writes + 1
    assert len(again) == len(set(again))
    assert _found(killed) == _found(whole)


def test_students_that_nothing_awaits_are_ended() -> None:
    """Those of a process that was killed, of which a search that goes on for it needs none any more."""
    study = _study("random")
    begun = _trials(study, -1).ask(3)
    trials = _trials(study, -1)
    trials.close()
    trials.session.end()
    assert [t.state.name for t in study.get_trials() if t.number in begun] == ["FAIL"] * 3
    reasons = {r[5] for state, r in _found(study) if state == "FAIL"}
    assert len(reasons) == 1
    assert "process was stopped" in reasons.pop()


def test_a_space_that_was_taken_for_exhausted_is_not_drawn_from_again() -> None:
    study = _study("random")
    trials = _trials(study, -1)
    trials._proposals.gate = lambda spec: gate(LayersModel(), spec, constraint=LatencyConstraint(0.001))
    assert trials.ask(1) == []
    rejected = len(study.get_trials())
    assert rejected >= 200
    trials.session.end()
    again = _trials(study, -1)
    again._proposals.gate = trials._proposals.gate
    assert again.ask(1) == []
    assert len(study.get_trials()) == rejected


def test_a_session_that_has_ended_is_not_lived_again() -> None:
    study, ran = _study("random"), list[tuple[int, str]]()
    _search(study, lambda trials: Halving(trials, students=3, members=1), ran)
    before = len(study.get_trials())
    _search(study, lambda trials: Halving(trials, students=3, members=1), ran)
    assert len(study.get_trials()) == before
    _search(study, lambda trials: Halving(trials, students=5, members=1), ran)
    assert len(ran) == len(set(ran))
    assert sum(t.state.name in ("COMPLETE", "FAIL") for t in study.get_trials()) == 5
