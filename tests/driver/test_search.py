"""The search as a whole, for real: SQLite, training, timing, files."""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
import signal
from pathlib import Path

import optuna
import pytest

from compress import search
from compress.archive import STUDY, Archive, read_archive, read_curve, run_dir_lock, storage_url, time_spent
from compress.cli import main
from compress.core import CompressError, FileError
from compress.driver.run_dir import Log
from compress.testing.search_inputs import SETTINGS
from compress.testing.small_teacher import SMALL, registered

_COLUMNS = {
    "variant", "spec_id", "ao", "ao_se", "fidelity", "latency_ms", "latency_provenance", "fps", "params", "macs",
}  # fmt: skip


def _trials(run_dir: Path) -> list[optuna.trial.FrozenTrial]:
    return optuna.load_study(study_name=STUDY, storage=storage_url(run_dir)).get_trials()


def test_run_directory_holds_what_it_should(run: Archive) -> None:
    names = {path.name for path in run.run_dir.iterdir()}
    assert {"config.yaml", "study.db", "trials.csv", "pareto.csv", "report", "checkpoints", "log.txt"} <= names
    assert {"environment.json"} <= names
    with (run.run_dir / "pareto.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert set(rows[0]) >= _COLUMNS
    teacher = [row for row in rows if row["variant"] == "teacher"]
    assert len(teacher) == 1
    assert teacher[0]["latency_provenance"] == "measured"


def test_where_the_time_went_is_told(run: Archive) -> None:
    spent = {each.phase: each for each in time_spent(read_archive(run.run_dir))}
    assert {"latency profile", "training", "scoring", "drawing or reading frames", "measuring the front"} <= {*spent}
    assert spent["training"].jobs >= 1
    assert "Where the time went, over all processes: " in (run.run_dir / "log.txt").read_text()


def test_every_trial_is_told_once_with_one_constraint(run: Archive) -> None:
    trials = _trials(run.run_dir)
    trained = [t for t in trials if t.state.name == "COMPLETE"]
    assert len(trained) == SETTINGS["trials"]
    # What was enqueued and not asked for yet is left for a search that goes on.
    trials = [t for t in trials if t.state.name != "WAITING"]
    assert {t.state.name for t in trials} <= {"COMPLETE", "PRUNED"}
    for trial in trials:
        assert list(trial.constraints) == ["latency"]
        record = trial.user_attrs["record"]
        if record["status"] == "rejected":
            assert trial.state.name == "PRUNED"
            assert "over the bound" in record["reason"]
            assert record["accuracy"] is None


def test_no_spec_is_trained_twice(run: Archive) -> None:
    ids = [record.spec.id for record in run.records if record.accuracy is not None]
    assert len(ids) == len(set(ids))
    assert run.teacher.spec.id not in ids


def test_rungs_halve(run: Archive) -> None:
    trained = [record for record in run.records if record.accuracy is not None]
    reached = sorted(len(record.rungs) for record in trained)
    assert reached == [1, 2, 3]
    for record in trained:
        path = run.run_dir / "checkpoints" / f"{record.spec.weights_id}.safetensors"
        assert path.is_file() == (len(record.rungs) > 1), "what was trained is there"


def test_learning_curves_go_over_all_rungs(run: Archive) -> None:
    for record in run.records:
        steps = [point.step for point in read_curve(run.run_dir, record.variant)]
        assert steps == list(range(1, 1 + max((rung["steps"] for rung in record.rungs), default=0)))


def test_front_is_measured_and_keeps_the_bound(run: Archive) -> None:
    for record in run.front():
        assert record.measured is not None
        assert record.latency_error is not None
        assert record.measured.mean_ms <= run.teacher.measured.mean_ms / 1.5
    full = [r for r in run.records if r.fidelity == "full"]
    assert full
    assert all(r.status in ("done", "missed") for r in full)


def test_other_commands_read_the_run(
    run: Archive, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = next(r for r in run.records if r.fidelity == "full")
    name = f"{run.run_dir}:{done.variant}"

    def answer(*words: str) -> dict[str, float]:
        with pytest.raises(SystemExit) as stop:
            main([*words, "--json"])
        assert stop.value.code == 0
        return json.loads(capsys.readouterr().out)

    scored = answer("evaluate", name, "--data", data)
    assert done.accuracy is not None
    assert scored["ao"] == pytest.approx(done.accuracy.ao, abs=1e-6)
    predicted = answer("latency", name)
    assert done.predicted is not None
    assert predicted["mean_ms"] == pytest.approx(done.predicted.mean_ms, rel=1e-4)
    assert predicted["provenance"] == "predicted"  # type: ignore[comparison-overlap]
    bundle = tmp_path / "bundle"
    assert answer("export", str(run.run_dir), "--variant", done.variant, "--out", str(bundle), "--data", data)[
        "spec_id"
    ]
    exported = answer("evaluate", str(bundle), "--data", data)
    assert exported["ao"] == pytest.approx(done.accuracy.ao, abs=2e-3)
    assert answer("report", str(run.run_dir))["trials"] >= len(run.records)


def test_same_command_again_does_nothing_twice(run: Archive, weights: str, data: str) -> None:
    before = len(_trials(run.run_dir))
    again = search(out=run.run_dir, weights=weights, data=data, **SETTINGS)
    assert len(_trials(run.run_dir)) == before
    assert [r.variant for r in again.front()] == [r.variant for r in run.front()]


def test_more_trials_continue(run: Archive, weights: str, data: str) -> None:
    more = search(out=run.run_dir, weights=weights, data=data, **(SETTINGS | {"trials": 4}))
    assert len([r for r in more.records if r.accuracy is not None]) == 4


@pytest.mark.parametrize(("setting", "value"), [("speedup", 3.0), ("seed", 9), ("steps", 8)])
def test_another_search_is_refused(run: Archive, weights: str, data: str, setting: str, value: float) -> None:
    with pytest.raises(FileError, match=rf"{setting} is .* there and {value}"):
        search(out=run.run_dir, weights=weights, data=data, **(SETTINGS | {setting: value}))


def test_foreign_folder_is_refused(tmp_path: Path, weights: str, data: str) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(FileError, match="holds no search"):
        search(out=tmp_path, weights=weights, data=data, **SETTINGS)
    assert (tmp_path / "thesis.tex").read_text() == "precious"


def test_one_search_at_a_time(run: Archive, weights: str, data: str) -> None:
    with run_dir_lock(run.run_dir), pytest.raises(CompressError, match="Another search is running"):
        search(out=run.run_dir, weights=weights, data=data, **SETTINGS)


def test_students_are_shared_between_searches(
    run: Archive, weights: str, data: str, tmp_path: Path, home: Path
) -> None:
    trained = {path: path.stat().st_mtime_ns for path in (home / "students").rglob("*.safetensors")}
    other = search(out=tmp_path / "other", weights=weights, data=data, **SETTINGS)
    now = {path: path.stat().st_mtime_ns for path in (home / "students").rglob("*.safetensors")}
    assert now == trained
    first = {r.spec.id: r.accuracy for r in run.records if r.accuracy}
    assert {r.spec.id: r.accuracy for r in other.records if r.accuracy} == first


def _command(out: Path, weights: str, data: str, *more: str) -> list[str]:
    given = ["--teacher", SMALL, "--weights", weights, "--data", data, "--out", str(out), "--pool", "64"]
    return ["search", *given, "--speedup", "1.1", *more]


def _stop_in_training(command: list[str], home: str, errors: Path, by: signal.Signals) -> None:
    """In a process of its own: a search that gets a signal as soon as it has noted a step of training."""
    os.environ["COMPRESS_HOME"] = home
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT), 2)
    note = Log.__call__

    def noting(log: Log, text: str) -> None:
        note(log, text)
        if "step " in text:
            signal.raise_signal(by)

    Log.__call__ = noting  # type: ignore[method-assign, assignment]
    with registered():
        main(command)


def _stopped(command: list[str], errors: Path, by: signal.Signals) -> int | None:
    """Its exit code."""
    context = multiprocessing.get_context("forkserver")  # one that was spawned would load PyTorch again
    context.set_forkserver_preload(["compress.driver.worker", "compress.distill"])
    process = context.Process(target=_stop_in_training, args=(command, os.environ["COMPRESS_HOME"], errors, by))
    process.start()
    process.join()
    return process.exitcode


def test_stopped_search_continues(tmp_path: Path, weights: str, data: str) -> None:
    """Interrupted, then killed, then left to end: each trial is finished once."""
    out = tmp_path / "stopped"
    # On a device that nothing is measured on: a busy machine is waited for, and this test is of the training.
    more = ("--target", "agx", "--space", "hit", "--trials", "2", "--generation", "2", "--steps", "16", "--seed", "2")
    command = _command(out, weights, data, *more)
    assert _stopped(command, tmp_path / "errors", signal.SIGINT) == 130
    assert "the same command continues" in " ".join((tmp_path / "errors").read_text().split())
    assert _stopped(command, tmp_path / "more", signal.SIGKILL) == -signal.SIGKILL
    assert _exit_code(command) in (0, 3)
    archive = read_archive(out)
    trained = [r for r in archive.records if r.status == "done"]
    assert len(trained) == 2
    assert not [r for r in archive.records if r.status == "running"]
    assert len({r.spec.id for r in archive.records if r.accuracy}) == 2


def _exit_code(command: list[str]) -> int | str | None:
    """Of a command run in this process."""
    with pytest.raises(SystemExit) as stop:
        main(command)
    return stop.value.code


def test_impossible_bound_ends_with_3_and_trains_nothing(
    tmp_path: Path, weights: str, data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compress.driver.proposals._TRIES", 20)
    command = _command(tmp_path / "r", weights, data, "--trials", "1")
    command[command.index("--speedup") : command.index("--speedup") + 2] = ["--fps", "900000"]
    assert _exit_code(command) == 3
    archive = read_archive(tmp_path / "r")
    assert all(r.status in ("rejected", "duplicate") for r in archive.records)
    assert not (tmp_path / "r" / "checkpoints").exists()
    assert (tmp_path / "r" / "report" / "index.html").is_file()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("--teacher", "ostrak-nano"), "Did you mean ostrack-nano"),
        (("--target", "cpus"), "Did you mean cpu"),
        (("--space", "ostrac"), "Did you mean ostrack"),
        (("--sampler", "tpee"), "Did you mean tpe"),
        (("--fps", "30"), "not by both"),
        (("--fps-at", "median"), "one of mean, p50, p90, p99, worst"),
    ],
)
def test_wrong_usage_ends_with_2_and_leaves_nothing(
    tmp_path: Path, weights: str, data: str, change: tuple[str, str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "never"
    assert _exit_code([*_command(out, weights, data), *change]) == 2
    assert words in " ".join(capsys.readouterr().err.split())
    assert not out.exists()


def test_damaged_weights_are_refused(tmp_path: Path, weights: str, data: str) -> None:
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(Path(weights).read_bytes()[:1000])
    with pytest.raises(FileError, match="not a whole safetensors file"):
        search(out=tmp_path / "r", weights=str(broken), data=data, **SETTINGS)
    assert not (tmp_path / "r").exists()
