"""The strategy of shared weights: who is scored, who is trained further, and a real search by it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import optuna
import pytest
import torch

from compress import search
from compress.core import Store
from compress.distill import read_elastic
from compress.distill.elastic import ENDS_EVERY
from compress.driver.jobs import ElasticSetup, Rung, TrainingSetup, TrialJob
from compress.driver.shared_weights import within_time
from compress.driver.time_budget import TimeBudget
from compress.driver.worker import loaded, run_job
from compress.models import build
from compress.testing.executor_checks import small_setup
from compress.testing.small_teacher import SMALL
from compress.testing.trained_run import SPEC, STATIC


@pytest.fixture(scope="module")
def setup(data: str) -> TrainingSetup:
    space = '{"depth": [2, 3, 4], "mlp_ratio": [1], "bypass": ["never", "learned"], "exits": ["never", "1/2"]}'
    rungs = (Rung("elastic", 0), Rung("rung-1", 1), Rung("full", 2, short=False))
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
            found, wanted = students.model(spec, 0).state_dict(), elastic.slice(spec).state_dict()
            changed = {name for name, value in found.items() if not torch.equal(value, wanted[name])}
            own = {name for name in found if name.endswith(statistics) or ".score." in name}
            assert changed <= own, "statistics of the head, and what exits expect of themselves"
            assert bool(spec.exits) == any(".score." in name for name in changed)
            assert not students.path(spec, 0).exists(), "a slice is made whenever it is asked for"
    assert run_job(TrialJob(0, thin, 2, setup)).fidelity == "full"
    assert path.stat().st_mtime_ns == made
    assert not list((home / "elastic").glob("*.training.safetensors"))


def test_a_network_that_is_damaged_is_made_anew(tmp_path: Path) -> None:
    for content in (b"", b"{" * 1000):
        (tmp_path / "x.safetensors").write_bytes(content)
        assert read_elastic(tmp_path / "x.safetensors", device=torch.device("cpu")) is None


def test_a_search_by_it(tmp_path: Path, weights: str, data: str, home: Path) -> None:
    settings = {"teacher": SMALL, "weights": weights, "data": data, "speedup": 1.1, "steps": 2, "pool": 64}
    settings |= {"trials": 5, "eta": 2, "members": 2, "device": "cpu", "elastic_steps": 2, "strategy": "elastic"}
    settings |= {"sampler": "random"}
    before = set((home / "elastic").glob("*.safetensors"))
    found = search(out=tmp_path / "run", target="agx", **settings)
    done = [record for record in found.records if record.status == "done"]
    assert sorted(record.fidelity for record in done) == ["elastic"] * 2 + ["full"] * 2 + ["rung-1"]
    assert {record.fidelity for record in found.front()} == {"full"}
    assert {record.rungs[0]["fidelity"] for record in done} == {"elastic"}
    trained = {record.spec.weights_id for record in done if record.fidelity != "elastic"}
    assert {path.stem for path in (tmp_path / "run" / "checkpoints").iterdir()} == trained
    log = (tmp_path / "run" / "log.txt").read_text()
    assert "Scored: 5 students at elastic, 3 at rung-1, 2 at full." in log
    (made,) = set((home / "elastic").glob("*.safetensors")) - before
    again = made.stat().st_mtime_ns
    other = search(out=tmp_path / "other", target="orin-nx", **(settings | {"trials": 1, "speedup": 1.05}))
    assert [record for record in other.records if record.status == "done"]
    assert made.stat().st_mtime_ns == again, "another target takes the same network"
    assert Store().entries(("elastic",))


def test_the_time_decides_how_far_shared_weights_are_trained(setup: TrainingSetup, home: Path) -> None:
    study = optuna.create_study()
    teacher, now = build(setup.teacher.spec).eval(), lambda: 0.0
    long = replace(setup, elastic=replace(setup.elastic, steps=10_000, random=2))
    assert within_time(long, study, TimeBudget(), teacher) is long
    short = within_time(long, study, TimeBudget(0.001, clock=now), teacher)
    assert short.elastic == replace(long.elastic, steps=ENDS_EVERY)
    # A search that goes on keeps what it had, whatever time there is now.
    assert within_time(long, study, TimeBudget(1e9, clock=now), teacher) == short
    assert within_time(long, optuna.create_study(), TimeBudget(1e9, clock=now), teacher) == long
