"""A job and its result are plain values: any process that has the store finds the same by them."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from compress.core import FileError, fingerprint
from compress.core.plain import from_plain, to_plain
from compress.data import DataReference, open_source
from compress.driver.jobs import ExitAim, TrainingSetup, TrialJob
from compress.driver.teacher import keep_teacher, load_kept_teacher
from compress.driver.worker import run_job
from compress.measure import resolve_target
from compress.models import build, weights_key
from compress.testing.executor_checks import SHORTER, job_of, small_setup, untimed
from compress.testing.trained_run import SPEC, STATIC

_ELSEWHERE = """\
import pickle, sys
from pathlib import Path
from compress.driver.worker import run_job
result = run_job(pickle.loads(Path(sys.argv[1]).read_bytes()))
Path(sys.argv[2]).write_bytes(pickle.dumps(result))
"""


@pytest.fixture(scope="module")
def setup(data: str) -> TrainingSetup:
    return small_setup(data)


@pytest.fixture(scope="module")
def adaptive(setup: TrainingSetup) -> TrialJob:
    """Its exit thresholds are to be chosen."""
    return replace(job_of(setup, SPEC, trial=7), exits=ExitAim(resolve_target("agx").latency_model(STATIC), 4.0))


@pytest.mark.slow  # the conformance of the executor `local` finds the same in another process
def test_another_process_finds_the_same_with_the_store_alone(
    adaptive: TrialJob, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "job").write_bytes(pickle.dumps(adaptive))
    store = tmp_path / "store"
    shutil.copytree(home / "teachers", store / "teachers")
    words = [sys.executable, "-c", _ELSEWHERE, "job", "result"]
    subprocess.run(words, cwd=tmp_path, env=os.environ | {"COMPRESS_HOME": str(store)}, check=True)
    there = pickle.loads((tmp_path / "result").read_bytes())
    here = run_job(adaptive)
    assert untimed(there) == untimed(here)
    assert here.paths is not None
    assert sum(here.paths.values()) == 14  # two sequences of eight frames, all but the first
    # And what that process trained is not trained again.
    monkeypatch.setenv("COMPRESS_HOME", str(store))
    kept = {path: path.stat().st_mtime_ns for path in store.rglob("*.safetensors")}
    assert untimed(run_job(adaptive)) == untimed(here)
    assert {path: path.stat().st_mtime_ns for path in store.rglob("*.safetensors")} == kept


def test_thresholds_are_chosen_once_something_was_learned(adaptive: TrialJob) -> None:
    assert run_job(replace(adaptive, rung=0)).spec == SPEC
    chosen = run_job(adaptive).spec
    assert chosen.weights_id == SPEC.weights_id
    assert run_job(replace(adaptive, exits=None)).spec == SPEC


def test_jobs_and_results_survive_pickling(adaptive: TrialJob) -> None:
    assert pickle.loads(pickle.dumps(adaptive)) == adaptive
    result = run_job(adaptive)
    assert pickle.loads(pickle.dumps(result)) == result
    assert hash(adaptive.setup) == hash(pickle.loads(pickle.dumps(adaptive.setup)))


def test_jobs_and_results_are_plain_data(adaptive: TrialJob, setup: TrainingSetup) -> None:
    """JSON holds them; what a latency model rests on can be written, and is read back by its own files alone."""
    job = job_of(setup, SHORTER[0])
    result = run_job(job)
    for value in (job, result):
        assert from_plain(type(value), json.loads(json.dumps(to_plain(value))), "value") == value
    assert fingerprint(adaptive) == fingerprint(pickle.loads(pickle.dumps(adaptive)))
    assert len({fingerprint(each) for each in (adaptive, replace(adaptive, exits=None), job)}) == 3


def test_a_result_hangs_on_the_job_alone(setup: TrainingSetup) -> None:
    first = run_job(job_of(setup, SHORTER[0]))
    assert untimed(run_job(job_of(setup, SHORTER[0], trial=3))) == replace(untimed(first), trial=3)


def test_data_that_changed_meanwhile_is_refused(setup: TrainingSetup, data: str, tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    shutil.copytree(data.removeprefix("folder:"), folder)
    changed = replace(setup, evaluation=DataReference.of(open_source(f"folder:{folder}")))
    truth = folder / "s0" / "groundtruth.txt"
    truth.write_text(truth.read_text().replace(truth.read_text().splitlines()[3], "1,2,30,40"))
    with pytest.raises(FileError, match="holds other data"):
        run_job(job_of(changed, STATIC))


def test_a_teacher_that_the_store_does_not_have_is_asked_for(setup: TrainingSetup) -> None:
    unknown = replace(setup, teacher=replace(setup.teacher, weights="0" * 16))
    with pytest.raises(FileError, match="share one COMPRESS_HOME"):
        run_job(job_of(unknown, STATIC))


@pytest.mark.parametrize("content", [b"", b"{" * 1000])
def test_a_kept_teacher_that_is_damaged_is_kept_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path))
    model = build(STATIC).eval()
    kept = keep_teacher(model)
    (path,) = (tmp_path / "teachers").glob("*.safetensors")
    path.write_bytes(content)
    assert keep_teacher(model) == kept
    assert weights_key(load_kept_teacher(kept)) == kept.weights
