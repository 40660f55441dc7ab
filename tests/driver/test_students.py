"""Students that go on from a rung: what they were trained for before is not begun again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from compress.core import BypassSpec, ExecutionPath, Store, TrackerSpec
from compress.data import DataReference, open_source
from compress.data.generated import GeneratedSequence, levels_of
from compress.distill import PairStream, StudentRecipe, distillation_pool, fixed_pairs
from compress.driver.exit_thresholds.exit_scores import exit_scores
from compress.driver.exit_thresholds.selection import estimate_thresholds
from compress.driver.jobs import Rung, TeacherWeights, TrainingSetup
from compress.driver.students import Students
from compress.evaluate import evaluate
from compress.export import graph_network
from compress.geometry import LoopSettings
from compress.models import NumpyNetwork, build, save_weights
from compress.testing.counted_source import CountedSource
from compress.testing.trained_run import SPEC, STATIC, lively

CPU = torch.device("cpu")
GENERATED = open_source("generated")


def test_thresholds_are_chosen_on_what_the_lower_rungs_see(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path))
    sequences = [GeneratedSequence(k, name=f"s{k}", levels=levels_of("mixed"), length=8) for k in range(2)]
    students = Students(
        _setup(Rung("rung-0", 0), Rung("full", 8, short=False)),
        teacher=build(STATIC).eval(),
        pool=lambda progress: pytest.fail("nothing is trained"),
        short=list(sequences),
        full=[],
        device=CPU,
    )
    model = lively(SPEC)
    save_weights(model, students.path(SPEC, 1))
    scores = exit_scores(model, sequences, data="two", device=CPU, store=Store(tmp_path))
    means = []
    for max_ms in (1.5, 3.0, 4.0):
        chosen = students.thresholds(SPEC, 1, lambda path: path.layers(SPEC), max_ms)
        assert chosen.weights_id == SPEC.weights_id
        taus = [each.tau for each in chosen.exits[:-1]]
        means.append(estimate_thresholds(scores, SPEC, taus, lambda path: path.layers(SPEC)))
        assert means[-1].ms <= max_ms
    assert means[0].iou < means[1].iou <= means[2].iou
    assert students.thresholds(SPEC, 1, lambda path: path.layers(SPEC), 0.5) == SPEC


@pytest.mark.parametrize(
    ("spec", "skipped", "exit"),
    [
        (STATIC, None, None),
        (replace(STATIC, exits=SPEC.exits), (), 0),
        (replace(STATIC, bypass=BypassSpec(n_enf=0, tau0=0.5)), (1, 3), None),
        (replace(STATIC, bypass=BypassSpec(n_enf=1, tau0=0.5), exits=SPEC.exits[1:]), (2,), 0),
    ],
)
def test_what_has_not_learned_to_decide_is_scored_as_its_latency_is_predicted(
    spec: TrackerSpec,
    skipped: tuple[int, ...] | None,
    exit: int | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path))
    sequences = [GeneratedSequence(k, name=f"s{k}", levels=levels_of("mixed"), length=5) for k in range(2)]
    teacher = lively(STATIC)
    students = Students(
        _setup(Rung("rung-0", 0), Rung("full", 4)),
        teacher=teacher,
        pool=lambda progress: distillation_pool(teacher, GENERATED, count=8, seed=1, store=Store(tmp_path), device=CPU),
        short=list(sequences),
        full=[],
        device=CPU,
    )
    found = students.score(spec, 0)
    path = None if skipped is None else ExecutionPath(frozenset(skipped), exit)
    assert found.paths == (None if path is None else {path: 8})
    network = NumpyNetwork(students.model(spec, 0))
    wanted = evaluate(network if path is None else network.along(path), LoopSettings.of(spec), sequences)
    assert found.accuracy.ao == pytest.approx(wanted.accuracy.ao, abs=1e-4)
    save_weights(students.model(spec, 0), students.path(spec, 1))
    if spec.bypass:  # above the lowest rung it decides by itself: nothing is skipped yet
        assert {each.skipped for each in students.score(spec, 1).paths or ()} == {frozenset()}


def test_only_the_first_training_has_a_static_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path))
    torch.manual_seed(0)
    teacher = build(STATIC).eval()
    joint: list[bool] = []
    students = Students(
        _setup(Rung("rung-0", 0), Rung("rung-1", 4), Rung("full", 8)),
        teacher=teacher,
        pool=lambda progress: distillation_pool(teacher, GENERATED, count=8, seed=1, store=Store(tmp_path), device=CPU),
        short=[],
        full=[],
        device=CPU,
    )
    students.model(SPEC, 2, lambda text, share, parts=None: joint.append("exits_iou" in parts))
    assert joint == [False] * 2 + [True] * 2 + [True] * 8


def test_a_rung_goes_on_with_the_stream_where_the_rung_below_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path))
    teacher, source = build(STATIC).eval(), CountedSource()
    fixed = partial(fixed_pairs, STATIC, source, count=8, seed=1, store=Store(tmp_path))
    stream = PairStream(teacher, source, fixed, workers=0)
    setup = replace(_setup(Rung("rung-0", 0), Rung("rung-1", 2), Rung("full", 3)), streamed=True)
    students = Students(setup, teacher=teacher, pool=lambda progress: stream, short=[], full=[], device=CPU)
    for spec in (STATIC, replace(STATIC, layers=STATIC.layers[:3])):
        source.asked.clear()
        students.model(spec, 2)
        steps = [(index, count) for seed, index, count in source.asked if seed != 1]
        assert steps == [(0, 8), (0, 8), (1, 8)], "pairs 0 to 3, then 4 to 9; likewise for every student"


def test_a_stream_makes_other_students_than_a_pool() -> None:
    setup = _setup(Rung("rung-0", 0), Rung("full", 4))
    assert setup.pairs_key == [setup.training.fingerprint, 8]
    assert replace(setup, streamed=True).pairs_key not in (setup.pairs_key, replace(setup, pairs=9).pairs_key)


def test_a_student_that_was_stopped_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trained, but stopped before it was kept: it is not trained again, and comes out the same."""
    torch.manual_seed(0)
    teacher = build(STATIC).eval()
    pool = distillation_pool(teacher, GENERATED, count=8, seed=1, store=Store(tmp_path / "pools"), device=CPU)
    seen: list[str] = []

    def students(home: str) -> Students:
        monkeypatch.setenv("COMPRESS_HOME", str(tmp_path / home))
        setup = _setup(Rung("rung-0", 0), Rung("full", 4))
        return Students(setup, teacher=teacher, pool=lambda progress: pool, short=[], full=[], device=CPU)

    def note(text: str, share: float, figures: Mapping[str, float] | None = None) -> None:
        seen.append(text)

    whole = students("whole").model(SPEC, 1)
    stopped = students("stopped")
    stopped.model(SPEC, 0)
    with monkeypatch.context() as patch:
        patch.setattr("compress.driver.students.save_weights", _stop)
        with pytest.raises(KeyboardInterrupt):
            stopped.model(SPEC, 1, note)
    assert len(list(tmp_path.glob("stopped/students/*.training.safetensors"))) == 1
    assert seen
    seen.clear()
    continued = stopped.model(SPEC, 1, note)
    assert not seen
    assert all(torch.equal(value, whole.state_dict()[name]) for name, value in continued.state_dict().items())
    assert not list(tmp_path.glob("stopped/students/*.training.safetensors"))


def test_students_are_scored_as_they_will_run_at_the_last_rung(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path))
    sequences = [GeneratedSequence(k, name=f"s{k}", levels=levels_of("mixed"), length=8) for k in range(2)]
    exact = Students(
        _setup(Rung("rung-0", 0), Rung("full", 4, short=False)),
        teacher=build(STATIC).eval(),
        pool=lambda progress: pytest.fail("nothing is trained"),
        short=list(sequences),
        full=list(sequences),
        device=CPU,
    )
    rough = replace(exact, setup=replace(exact.setup, precision="int8"))
    model = lively(STATIC)
    save_weights(model, exact.path(STATIC, 1))
    graphs = evaluate(graph_network(model, "int8"), LoopSettings.of(STATIC), sequences)
    scores = [each.score(STATIC, 1).accuracy for each in (exact, rough, rough)]
    assert [score.precision for score in scores] == ["fp32", "int8", "int8"]
    assert scores[1] == scores[2] == replace(graphs.accuracy, precision="int8")
    assert scores[0].sequence_aos != scores[1].sequence_aos
    assert rough.score_teacher(0).accuracy.precision == "fp32"
    assert rough.score_teacher(1).accuracy.precision == "int8"
    # Where the target leaves it open, a student of the same weights; the scores are those that are kept.
    low = exact.score(replace(STATIC, precision="int8"), 1)
    assert low.accuracy == scores[1]
    assert exact.score_teacher(1).accuracy.precision == "fp32"
    kept = set((tmp_path / "scores").iterdir())
    short = replace(exact, setup=_setup(Rung("rung-0", 4)))
    save_weights(model, short.path(STATIC, 0))
    below = [short.score(spec, 0).accuracy for spec in (replace(STATIC, precision="int8"), STATIC)]
    assert below[0] == below[1]
    assert below[0].precision == "fp32"
    assert len(set((tmp_path / "scores").iterdir()) - kept) == 1


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def _setup(*rungs: Rung) -> TrainingSetup:
    nothing, recipe = DataReference.of(GENERATED), StudentRecipe(batch=2, static=0.5)
    return TrainingSetup(TeacherWeights(STATIC, "small"), nothing, nothing, pairs=8, rungs=rungs, seed=0, recipe=recipe)
