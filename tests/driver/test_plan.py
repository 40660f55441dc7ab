"""The plan, through the real command: nothing is trained or timed, every figure is estimated and says so."""

from __future__ import annotations

import csv
import dataclasses
import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest

from compress import search
from compress.archive import SHARE, Archive, pareto_mask, read_archive, read_knobs
from compress.cli import main
from compress.cli.profile import measure as measure_command
from compress.cli.search import command as search_command
from compress.core import FileError, InterruptedRun, UsageError, describe
from compress.driver import SearchSettings
from compress.driver.planner import is_plan, make_plan
from compress.driver.planner.commands import plan_commands
from compress.driver.planner.sample import DRAWS
from compress.driver.planner.warm_start import PlannedStudent, along, planned_students
from compress.latency import BlockCost, Family, Overhead, Profile, Ratios, RoutingOverhead, ValidationResult, predict
from compress.latency.estimated import estimate_latency, load_estimated, optimistic_latency
from compress.measure import Coverage, resolve_target
from compress.measure.remote_profiles import Device, keep_device_profile
from compress.prior import estimate as prior_estimate
from compress.report import published_sentences
from compress.spaces import load_space
from compress.testing.search_inputs import SETTINGS
from compress.testing.small_teacher import SMALL

SPACE = """\
knobs:
  depth: [2, 3, 4, 8, 12]
  layers: [even, front]
  interaction: [joint, 1/2]
  mlp_ratio: [1, 4]
  bypass: [never, learned]
  tau0: [0.6]
  n_enf: [2]
"""


def _main(*words: str) -> int | str | None:
    with pytest.raises(SystemExit) as stop:
        main(list(words))
    return stop.value.code


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("spaces") / "few.yaml"
    path.write_text(SPACE)
    return str(path)


def _line(space: str, out: Path, *more: str, fps: str = "60") -> tuple[str, ...]:
    return (
        "search", "--teacher", "ostrack256", "--target", "agx", "--fps", fps, "--space", space, "--out", str(out),
        "--quiet", *more,
    )  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, space: str) -> Archive:
    out = tmp_path_factory.mktemp("plans") / "plan"
    assert _main(*_line(space, out)) == 0
    return read_archive(out)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_run_directory_is_that_of_a_search(run: Archive) -> None:
    names = {path.name for path in run.run_dir.iterdir()}
    assert names >= {"config.yaml", "environment.json", "log.txt", "study.db", "pareto.csv", "trials.csv", "report"}
    assert "checkpoints" not in names
    log = (run.run_dir / "log.txt").read_text()
    assert "nothing was trained" in log
    assert "UETrack-B with GOT-10k AO 0.726 and LaSOT AUC 0.692 at 60 fps" in log
    assert (run.run_dir / "report" / "index.html").is_file()


def test_nothing_is_trained_or_timed(run: Archive, space: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path / "home"))
    assert _main(*_line(space, tmp_path / "plan")) == 0
    assert not (tmp_path / "home").exists()
    for record in (run.teacher, *run.records):
        assert record.accuracy is None
        assert record.measured is None
        assert record.fidelity == "prior"
        assert record.predicted is not None
        assert record.predicted.provenance == "estimated"
        assert record.predicted.runs == 0


def test_figures_are_those_of_the_estimates(run: Archive) -> None:
    profile = load_estimated("agx")
    for record in run.records:
        expected = prior_estimate("ostrack256", record.spec)
        assert record.prior is not None
        assert record.latency is not None
        assert expected is not None
        assert (record.prior.mean, record.prior.low, record.prior.high) == (expected.mean, expected.low, expected.high)
        assert record.prior.teacher == 0.71
        assert record.latency.mean_ms == optimistic_latency(profile, record.spec).mean_ms
        assert record.latency.at("worst") == estimate_latency(profile, record.spec).mean_ms
        assert run.constraint.met_by(record.latency)
    assert run.teacher.prior is not None
    assert run.teacher.prior.mean == run.teacher.prior.low == run.teacher.prior.high == 0.71


def test_front_is_that_of_everything_looked_at(run: Archive) -> None:
    rows = _rows(run.run_dir / "plan.csv")
    assert run.plan is not None
    assert run.plan.whole
    assert (
        len(rows) == run.plan.estimated == load_space(run.settings["space"]).size(run.teacher.spec) - 1
    )  # the teacher
    within = [row for row in rows if float(row["latency_ms"]) <= 1000 / 60]
    assert len(within) == run.plan.within == sum(row["within_bound"] == "true" for row in rows)
    points = [(float(row["latency_ms"]), float(row["prior_ao"])) for row in within]
    best = {p for p, keep in zip(points, pareto_mask(points, ("minimize", "maximize")), strict=True) if keep}
    found = [(r.latency.mean_ms, r.ao) for r in run.front("prior") if r.latency and r.ao]
    assert len(found) == len(best) > 3
    assert sorted(best) == [pytest.approx(point, rel=1e-5) for point in found]
    named = {row["variant"]: row["spec_id"] for row in rows if row["variant"]}
    assert named == {record.variant: record.spec.id for record in run.records}


def test_trials_are_what_optuna_expects(run: Archive) -> None:
    study = optuna.load_study(study_name="compress", storage=f"sqlite:///{run.run_dir / 'study.db'}")
    for trial, record in zip(study.trials, run.records, strict=True):
        assert trial.state.name == "COMPLETE"
        assert trial.values == [record.latency.mean_ms, record.ao]  # type: ignore[union-attr]
        assert trial.constraints["latency"] <= 0
        assert trial.params.keys() == trial.distributions.keys()
        chosen = load_space(run.settings["space"]).spec(run.teacher.spec, lambda name, _, t=trial: t.params[name])  # type: ignore[misc]
        assert chosen == record.spec


def test_csv_never_calls_an_estimate_anything_else(run: Archive) -> None:
    for name in ("pareto.csv", "trials.csv"):
        for row in _rows(run.run_dir / name):
            assert (row["fidelity"], row["latency_provenance"]) == ("prior", "estimated")
            assert row["ao"] == row["p99_ms"] == row["measured_ms"] == ""
            assert float(row["prior_low"]) <= float(row["prior_ao"]) <= float(row["prior_high"])
            assert "estimated" in row["prior_provenance"]


def test_the_same_again_answers_the_same(run: Archive, space: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = {name: (run.run_dir / name).read_bytes() for name in ("pareto.csv", "trials.csv", "plan.csv")}
    assert _main(*_line(space, run.run_dir, "--json")) == 0
    assert before == {name: (run.run_dir / name).read_bytes() for name in before}
    answer = json.loads(capsys.readouterr().out)
    assert answer["summary"].startswith("Plan: nothing was trained or timed")
    assert [row["variant"] for row in answer["front"]] == [r.variant for r in run.front_table()]
    assert answer["plan"]["commands"] == list(run.plan.commands)  # type: ignore[union-attr]
    published, best = answer["published"], max(run.front("prior"), key=lambda r: r.ao or 0)
    assert published["reach"][0]["tracker"] == "UETrack-B"
    assert best.prior is not None
    assert published["difference"] == pytest.approx(best.prior.mean - 0.726)
    assert published["sentences"][1].startswith(f"{best.variant}, the most accurate of this plan, is untrained; by est")


@pytest.mark.parametrize("at", [0, 3])
def test_a_plan_that_was_stopped_goes_on(
    run: Archive, space: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    config, target, out = (
        SearchSettings(teacher="ostrack256", target="agx", fps=60, space=space),
        _agx(),
        tmp_path / "run",
    )
    add, count = optuna.Study.add_trial, iter(range(1000))

    def stop(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        if next(count) == at:
            raise KeyboardInterrupt
        add(study, trial)

    monkeypatch.setattr(optuna.Study, "add_trial", stop)
    with pytest.raises(InterruptedRun):
        make_plan(config, target, out)
    monkeypatch.undo()
    again = make_plan(config, target, out)
    assert [record.to_attrs() for record in again.records] == [record.to_attrs() for record in run.records]
    assert (out / "pareto.csv").read_bytes() == (run.run_dir / "pareto.csv").read_bytes()


def test_text_says_what_it_is_and_what_to_do(run: Archive, capsys: pytest.CaptureFixture[str]) -> None:
    assert _main("report", str(run.run_dir)) == 0
    shown = capsys.readouterr().out
    assert "nothing was trained or timed" in shown
    assert f"compress profile measure --target agx --teacher ostrack256 --space {run.settings['space']} --host" in shown
    assert "Keeps the bound on every frame, its worst path included: v" in shown
    assert "Under PyTorch (agx:pytorch" in shown
    for sentence in published_sentences(run):
        assert sentence in shown


def test_command_that_trains_it_is_one(run: Archive) -> None:
    assert run.plan is not None
    profile = shlex.split(run.plan.commands[0])
    assert profile[:3] == ["compress", "profile", "measure"]
    assert measure_command.make_context("measure", profile[3:]).params["host"] == "user@device"
    words = shlex.split(run.plan.commands[-1])
    assert words[:2] == ["compress", "search"]
    settings = search_command.make_context("search", words[2:]).params
    assert (settings["teacher"], settings["target"], settings["fps"]) == ("ostrack256", "agx", 60.0)
    assert settings["plan"] == str(run.run_dir)
    assert settings["space"] == run.settings["space"]
    assert Path(settings["weights"]).name == "OSTrack_ep0300.pth.tar"
    assert str(settings["out"]) != str(run.run_dir)


def test_command_that_trains_repeats_what_was_asked_for() -> None:
    settings = SearchSettings(teacher="ostrack256", target="my-board", fps_at="p99", threads=2, partial=0.5, trials=20)
    (line,) = plan_commands(settings, Path("runs/plan"), measured=True)
    asked = search_command.make_context("search", shlex.split(line)[2:]).params
    wanted = {"fps_at": "p99", "threads": 2, "partial": 0.5, "trials": 20, "speedup": 1.0, "plan": "runs/plan"}
    assert {name: asked[name] for name in wanted} == wanted


def test_export_says_that_nothing_was_trained(run: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _main("export", str(run.run_dir), "--out", str(tmp_path / "bundle")) == 1
    told = capsys.readouterr().err
    assert "nothing was trained" in told
    assert f"--plan {run.run_dir}" in told


def test_nothing_meets_the_bound(space: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _main(*_line(space, tmp_path / "run", fps="1000")) == 3
    assert "No variant meets the bound of 1.00 ms. The nearest is v000:" in capsys.readouterr().err
    archive = read_archive(tmp_path / "run")
    assert {record.status for record in archive.records} == {"rejected"}
    assert archive.plan is not None
    times = [archive.constraint.value(record.latency) for record in archive.records if record.latency]
    assert times == sorted(times)


def test_a_bound_that_the_teacher_keeps_is_told(space: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _main(*_line(space, tmp_path / "run", fps="10")) == 0
    assert "keeps the bound without any compression" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--fps-at", "p99"], "are means"),
        (["--threads", "2"], "--threads means nothing"),
        (["--weights", "nowhere.pth"], "no weights file nowhere.pth"),
        (["--plan", "nowhere"], "--plan starts a search that trains"),
    ],
)
def test_what_cannot_be_planned_writes_nothing(
    space: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], words: str
) -> None:
    assert _main(*_line(space, tmp_path / "run", *more)) in (1, 2)
    assert words in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_unknown_teacher_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Unknown"):
        search(teacher="ostrack257", target="agx", fps=60, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_plan_and_a_search_do_not_mix(run: Archive, tmp_path: Path, weights: str, data: str) -> None:
    settings: dict[str, Any] = {"teacher": SMALL, "target": "agx", "weights": weights}
    with pytest.raises(FileError, match="holds a plan"):
        search(out=run.run_dir, data=data, **settings)
    (tmp_path / "study.db").write_bytes(b"")
    with pytest.raises(FileError, match="another --out"):
        search(out=tmp_path, **settings)


@pytest.mark.parametrize(
    ("settings", "planned"),
    [
        ({"teacher": "ostrack256", "target": "agx"}, True),
        ({"teacher": "ostrack256", "target": "agx", "data": "generated"}, True),
        ({"teacher": "ostrack-nano", "target": "agx"}, True),
        ({"teacher": "ostrack-nano", "target": "agx", "data": "generated"}, False),
        ({"teacher": "ostrack256", "target": "cpu"}, False),
    ],
)
def test_when_a_search_is_a_plan(settings: dict[str, Any], planned: bool) -> None:
    assert is_plan(SearchSettings(**settings), resolve_target(settings["target"]), settings) is planned


def _agx() -> Any:
    return resolve_target("agx")


def test_a_teacher_nobody_published_is_told_in_shares(tmp_path: Path) -> None:
    archive = search(teacher="ostrack-nano", target="agx", fps=150, space="hit", out=tmp_path / "run")
    assert archive.teacher.prior is not None
    assert (archive.teacher.prior.metric, archive.teacher.prior.mean) == (SHARE, 1.0)
    page = (tmp_path / "run" / "report" / "index.html").read_text()
    assert "Nothing is published of this teacher" in page
    assert "Published trackers on this device" not in page
    assert "No tracker that was published on the Jetson AGX Xavier reaches 150 fps there." in page


@pytest.fixture(scope="module")
def small_plan(tmp_path_factory: pytest.TempPathFactory, space: str, weights: str) -> Archive:
    out = tmp_path_factory.mktemp("plans") / "small"
    return search(teacher=SMALL, weights=weights, target="agx", fps=150, space=space, out=out)


def test_a_real_search_starts_from_the_plan(
    small_plan: Archive, space: str, weights: str, data: str, tmp_path: Path
) -> None:
    """It trains for real, and tells latencies by the same estimates, never as anything else."""
    settings = SETTINGS | {"target": "agx", "speedup": None, "fps": 150, "trials": 4, "generation": 4}
    found = search(
        out=tmp_path / "run", weights=weights, data=data, space=space, plan=str(small_plan.run_dir), **settings
    )
    asked, front = (
        read_knobs(tmp_path / "run"),
        planned_students(small_plan.run_dir, load_space(space), describe(SMALL)),
    )
    assert [asked["v000"], asked["v001"]] == [each.knobs for each in along(front, 2)]
    done = [record for record in found.records if record.fidelity == "full"]
    assert done
    for record in done:
        assert record.accuracy is not None
        assert record.prior is None
        assert record.measured is None
        assert record.latency is not None
        assert record.latency.provenance == "estimated"
    assert found.plan is None
    assert found.teacher.accuracy is not None


def test_a_plan_for_something_else_is_refused(small_plan: Archive) -> None:
    with pytest.raises(UsageError, match="another teacher"):
        planned_students(small_plan.run_dir, load_space("full"), describe("ostrack256"))
    other = dataclasses.replace(load_space("full"), knobs={"depth": (5,)})
    with pytest.raises(UsageError, match="--space"):
        planned_students(small_plan.run_dir, other, describe(SMALL))


def test_a_start_goes_along_the_latencies_of_a_front() -> None:
    front = [PlannedStudent({"depth": i}, ms) for i, ms in enumerate([1.0, 1.1, 1.2, 2.0, 3.0, 4.9, 5.0])]
    assert [each.ms for each in along(front, 4)] == [2.0, 3.0, 5.0]
    assert [each.ms for each in along(front, 1)] == [5.0]
    assert along(front[:1], 3) == front[:1]


def test_a_plan_that_nothing_keeps_is_no_start(space: str, weights: str, tmp_path: Path) -> None:
    empty = search(teacher=SMALL, weights=weights, target="agx", fps=9999, space=space, out=tmp_path / "plan")
    with pytest.raises(UsageError, match="no student keeps its bound"):
        planned_students(empty.run_dir, load_space(space), describe(SMALL))


@pytest.fixture
def board(space: str, home: Path) -> Iterator[Profile]:
    """A board of whatever parts, as `compress profile` would have measured it: 2 ms a layer, 4 ms for the rest."""
    teacher = describe("ostrack256")
    coverage = Coverage.of_space(teacher, load_space(space))
    profile = Profile(
        target="my-board",
        device="A board",
        runtime="onnxruntime 1.31",
        threads=1,
        family=Family.of(teacher),
        overhead=(Overhead("joint", 3.0), Overhead("split", 3.0)),
        blocks=tuple(BlockCost(k, h, 2.0, a, m) for a, h, m in coverage.points for k in coverage.attentions),
        loop_ms=1.0,
        ratios=Ratios(mean=1.0, p50=1.0, p90=1.1, p99=1.2),
        runs=60,
        warmup=36,
        validation=(ValidationResult("deep", 1.05, 1.0),),
        routing_overhead=RoutingOverhead(0.0, 0.0, 0.0, 0.0),
    )
    path = keep_device_profile(Device.of("my-board"), profile)
    yield profile
    path.unlink()


def test_a_measured_device_is_planned_by_its_parts(board: Profile, space: str, tmp_path: Path) -> None:
    asked: dict[str, Any] = {"teacher": "ostrack256", "target": "my-board", "fps": 100, "space": space}
    archive = search(out=tmp_path / "run", **asked)
    assert archive.plan is not None
    assert archive.plan.max_error == pytest.approx(0.05)
    assert len(archive.plan.commands) == 1  # it is measured already
    assert archive.teacher.latency is not None
    assert archive.teacher.latency.mean_ms == pytest.approx(4 + 12 * 2)
    for record in archive.records:
        assert record.latency is not None
        assert record.latency == predict(board, record.spec)
        assert record.latency.provenance == "predicted"
    deepest = max(len(record.spec.layers) for record in archive.records if not record.spec.adaptive)
    assert deepest == 3  # 4 + 3 * 2 is 10 ms
    assert "predicted for A board" in (tmp_path / "run" / "report" / "index.html").read_text()
    assert published_sentences(archive) == [
        "No tracker's speed is published for A board, so there is none to compare this plan with."
    ]


def test_a_plan_from_before_the_measurement_is_not_passed_off(board: Profile, run: Archive, space: str) -> None:
    path = keep_device_profile(Device.of("agx"), dataclasses.replace(board, target="agx"))
    try:
        with pytest.raises(FileError, match="estimated; it would be predicted"):
            search(out=run.run_dir, teacher="ostrack256", target="agx", fps=60, space=space)
    finally:
        path.unlink()


@pytest.mark.slow
def test_the_line_of_the_readme(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    assert _main("search", "--teacher", "ostrack256", "--target", "agx", "--fps", "60", "--out", str(out)) == 0
    archive = read_archive(out)
    assert archive.plan is not None
    assert archive.settings["space"] == "full"
    assert archive.plan.estimated > 0.5 * DRAWS
    assert len(archive.records) == 200
