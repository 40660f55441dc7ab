"""The strategy of shared weights: who is scored, who is trained further, and a real search by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from compress import search
from compress.archive import Record, rank_agreement
from compress.core import Store
from compress.distill import read_elastic
from compress.driver.jobs import ElasticSetup, Rung, TrainingSetup, TrialJob, TrialResult
from compress.driver.strategies.elastic import ElasticStrategy, spread
from compress.driver.trials import Trials
from compress.driver.worker import loaded, run_job
from compress.models import build, load_weights
from compress.testing.executor_checks import small_setup
from compress.testing.strategy_trials import accuracy, beyond, earlier_trials, latency, scored, shallower
from compress.testing.trained_run import SPEC, STATIC


def test_the_best_are_taken_far_apart() -> None:
    # AO
    #  .6 |             d
    #  .5 |         c e
    #  .4 |   b       f
    #  .3 | a
    #     +--------------- ms
    #       1 2     4 5 6 8
    records = [scored(*p) for p in [(1, 0.3), (2, 0.4), (4, 0.5), (8, 0.6), (5, 0.5), (6, 0.4)]]
    a, b, c, d, e, f = range(6)
    within = beyond(9.0)
    assert spread(records, 1, within) == [d]
    assert spread(records, 2, within) == [a, d]
    assert spread(records, 3, within) in ([a, b, d], [a, c, d])
    assert spread(records, 4, within) == [a, b, c, d]
    assert spread(records, 5, within) == [a, b, c, d, e]
    assert spread(records, 9, within) == [a, b, c, d, e, f]
    # Those over the bound come last, the nearest first.
    assert spread(records, 3, beyond(3.0)) == [a, b, c]


def _trials(records: list[Record]) -> Trials:
    rungs = (Rung("elastic", 0), Rung("full", 6, short=False))
    return earlier_trials(records, rungs, work=(1, 7), bound_ms=20.0, elastic=ElasticSetup("{}", 4))


def _asked(depths: list[int]) -> list[Record]:
    return [
        Record(f"v{i:03d}", i, shallower(depth), "running", predicted=latency(depth)) for i, depth in enumerate(depths)
    ]


def _run(trials: Trials, strategy: ElasticStrategy, ao: Callable[[TrialJob], float]) -> list[list[tuple[int, str]]]:
    rounds = []
    while jobs := [*strategy.propose(1), *strategy.propose(99)]:
        rounds.append([(job.trial, job.fidelity) for job in jobs])
        for job in jobs:
            result = TrialResult(job.trial, job.fidelity, job.spec, 0.5, accuracy(ao(job)))
            trials.add(result)
            strategy.observe(result)
    assert strategy.done
    return rounds


def test_the_front_of_the_slices_is_trained() -> None:
    """Of five students three; the others keep the fidelity of their slices."""
    trials = _trials(_asked([2, 4, 6, 8, 12]))
    found = {0: 0.1, 1: 0.3, 2: 0.2, 3: 0.5, 4: 0.4}
    rounds = _run(trials, ElasticStrategy(trials, students=5, trained=3), lambda job: found[job.trial])
    assert rounds == [
        [(i, "elastic") for i in range(5)],
        [(0, "full"), (1, "full"), (3, "full")],
    ]
    assert [trials[i].fidelity for i in range(5)] == ["full", "full", "elastic", "full", "elastic"]
    assert {trials[i].status for i in range(5)} == {"done"}
    assert [[rung["fidelity"] for rung in trials[i].rungs] for i in (2, 3)] == [["elastic"], ["elastic", "full"]]
    assert [(rung["steps"], rung["shared_steps"]) for rung in trials[3].rungs] == [(0, 4), (6, 4)]
    assert {trial.state.name for trial in trials._proposals.study.get_trials()} == {"COMPLETE"}


def test_a_stopped_search_repeats_nothing() -> None:
    """One student has its score, another was trained, too, and only not finished."""
    scored = {"fidelity": "elastic", "ao": 0.5, "steps": 0}
    records = _asked([2, 4, 6])
    records[1] = replace(records[1], accuracy=accuracy(0.5), fidelity="elastic", rungs=(scored,))
    trained = (scored, {"fidelity": "full", "ao": 0.6, "steps": 6})
    records[2] = replace(records[2], accuracy=accuracy(0.6), fidelity="full", rungs=trained)
    trials = _trials(records)
    rounds = _run(trials, ElasticStrategy(trials, students=3, trained=2), lambda job: 0.2)
    assert rounds == [[(0, "elastic")], [(0, "full"), (1, "full")]]
    assert trials.trained == 3


def test_after_its_time_it_trains_the_best_so_far() -> None:
    trials = _trials(_asked([2, 4]))
    strategy = ElasticStrategy(trials, students=50, trained=1)
    strategy.stop()
    assert _run(trials, strategy, lambda job: 0.1 * len(job.spec.layers))[-1] == [(1, "full")]


def test_a_student_that_fails_is_not_trained_on() -> None:
    trials = _trials(_asked([2, 4]))
    strategy = ElasticStrategy(trials, students=2, trained=2)
    bad, good = strategy.propose(9)
    for result in (
        TrialResult(bad.trial, bad.fidelity, bad.spec, 0.5, error="too large"),
        TrialResult(good.trial, good.fidelity, good.spec, 0.5, accuracy(0.5)),
    ):
        trials.add(result)
        strategy.observe(result)
    assert [(job.trial, job.fidelity) for job in strategy.propose(9)] == [(good.trial, "full")]
    assert trials[bad.trial].status == "failed"


def test_nothing_left_to_do_is_done() -> None:
    trials = _trials([])
    strategy = ElasticStrategy(trials, students=0, trained=2)
    assert strategy.propose(9) == []
    assert strategy.done


@pytest.fixture(scope="module")
def setup(data: str) -> TrainingSetup:
    space = '{"depth": [2, 3, 4], "mlp_ratio": [1], "bypass": ["never", "learned"], "exits": ["never", "1/2"]}'
    rungs = (Rung("elastic", 0), Rung("full", 2, short=False))
    return replace(small_setup(data), rungs=rungs, elastic=ElasticSetup(space, steps=2, random=1))


def test_a_job_finds_its_slice_and_goes_on_from_it(setup: TrainingSetup, home: Path) -> None:
    """The network is trained once; slices are kept, and what a student is trained from is its slice."""
    thin = replace(STATIC, layers=tuple(replace(layer, mlp_hidden=24) for layer in STATIC.layers[1:]))
    for trial, spec in enumerate((thin, SPEC)):
        result = run_job(TrialJob(trial, spec, 0, setup))
        assert (result.error, result.fidelity) == ("", "elastic")
        assert (result.paths is not None) == spec.adaptive
    (path,) = (home / "elastic").glob("*.safetensors")
    made = path.stat().st_mtime_ns
    elastic = read_elastic(path, device=torch.device("cpu"))
    assert elastic is not None
    statistics = ("running_mean", "running_var", "num_batches_tracked")
    with loaded(setup) as students:
        for spec in (thin, SPEC):
            kept, wanted = build(spec), elastic.slice(spec).state_dict()
            load_weights(kept, students.path(spec, 0))
            weights = {name: value for name, value in kept.state_dict().items() if not name.endswith(statistics)}
            assert all(torch.equal(value, wanted[name]) for name, value in weights.items())
    assert run_job(TrialJob(0, thin, 1, setup)).fidelity == "full"
    assert path.stat().st_mtime_ns == made
    assert not list((home / "elastic").glob("*.training.safetensors"))


def test_a_network_that_is_damaged_is_made_anew(tmp_path: Path) -> None:
    for content in (b"", b"{" * 1000):
        (tmp_path / "x.safetensors").write_bytes(content)
        assert read_elastic(tmp_path / "x.safetensors", device=torch.device("cpu")) is None


def test_a_search_by_it(tmp_path: Path, weights: str, data: str, home: Path) -> None:
    settings = {"weights": weights, "data": data, "speedup": 1.5, "steps": 2, "pool": 64, "sampler": "random"}
    settings |= {"trials": 4, "generation": 3, "device": "cpu", "elastic_steps": 2, "strategy": "elastic"}
    before = set((home / "elastic").glob("*.safetensors"))
    found = search(out=tmp_path / "run", target="agx", **settings)
    done = [record for record in found.records if record.status == "done"]
    assert sorted(record.fidelity for record in done) == ["elastic"] + ["full"] * 3
    assert {record.fidelity for record in found.front()} == {"full"}
    assert [rung["fidelity"] for rung in done[-1].rungs][0] == "elastic"
    log = (tmp_path / "run" / "log.txt").read_text()
    agreement = rank_agreement(found.records, "elastic")
    assert (agreement is None) == ("Spearman" not in log)
    (made,) = set((home / "elastic").glob("*.safetensors")) - before
    again = made.stat().st_mtime_ns
    other = search(out=tmp_path / "other", target="orin-nx", **(settings | {"trials": 1, "speedup": 1.2}))
    assert [record for record in other.records if record.status == "done"]
    assert made.stat().st_mtime_ns == again, "another target takes the same network"
    assert Store().entries(("elastic",))
