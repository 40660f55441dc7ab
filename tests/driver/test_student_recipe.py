"""Students of a search by a recipe: stages begin at the teacher, at the last rung; what cannot be is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml

from compress import search
from compress.archive import Archive
from compress.core import CompressWarning, FileError, Store, UsageError, describe
from compress.data import DataReference, open_source
from compress.distill import ComputeSettings, Pool, StudentRecipe, distillation_pool
from compress.distill.procedure import StudentProcedure
from compress.distill.staged import distill_in_stages
from compress.driver.finetuning.schedule import FinetuneSchedule
from compress.driver.finetuning.settings import FinetuneSettings
from compress.driver.jobs import Rung, TeacherWeights, TrainingSetup
from compress.driver.preparation import work_of
from compress.driver.shared_weights import calibration_crops
from compress.driver.student_recipe import student_recipe
from compress.driver.students import Students
from compress.models import Tracker, build
from compress.testing.small_teacher import SMALL
from compress.testing.trained_run import STATIC

CPU = torch.device("cpu")
GENERATED = open_source("generated")
SHORT = replace(STATIC, layers=(STATIC.layers[0], STATIC.layers[-1]))
RUNGS = (Rung("rung-0", 0), Rung("rung-1", 1), Rung("full", 3, short=False))


def _setup(**procedure: object) -> TrainingSetup:
    recipe = StudentRecipe(batch=2, procedure=StudentProcedure(**procedure))  # type: ignore[arg-type]
    nothing = DataReference.of(GENERATED)
    return TrainingSetup(TeacherWeights(STATIC, "small"), nothing, nothing, pairs=8, rungs=RUNGS, seed=0, recipe=recipe)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tracker, Pool]:
    torch.manual_seed(0)
    teacher = build(STATIC).eval()
    store = Store(tmp_path_factory.mktemp("pools"))
    return teacher, distillation_pool(teacher, GENERATED, count=8, seed=1, store=store, device=CPU)


def _students(made: tuple[Tracker, Pool], setup: TrainingSetup, store: Path) -> Students:
    teacher, pool = made
    return Students(setup, teacher, lambda progress: pool, short=[], full=[], device=CPU, store=Store(store))


def _same(a: Tracker, b: Tracker) -> bool:
    return all(torch.equal(value, b.state_dict()[name]) for name, value in a.state_dict().items())


def test_the_last_rung_begins_at_the_teacher_with_the_steps_of_all(made: tuple[Tracker, Pool], tmp_path: Path) -> None:
    setup = _setup(progressive=0.5)
    students, plain = (_students(made, each, tmp_path) for each in (setup, _setup()))
    teacher, pool = made
    crops = calibration_crops(pool, CPU)
    by_hand = distill_in_stages(teacher, SHORT, pool, setup.recipe, steps=4, seed=0, device=CPU, calibration=crops)
    found = students.model(SHORT, 2)
    assert _same(found, by_hand)
    assert not _same(found, plain.model(SHORT, 2))
    assert _same(students.model(SHORT, 1), plain.model(SHORT, 1)), "below it they are distilled at once"
    assert _same(students.model(STATIC, 2), plain.model(STATIC, 2)), "no layer of it can fade"
    assert work_of(students) == (0, 1, 4)
    assert work_of(plain) == (0, 1, 3)


def test_a_staged_student_that_was_stopped_goes_on_and_leaves_no_state(
    made: tuple[Tracker, Pool], tmp_path: Path
) -> None:
    setup = _setup(progressive=0.5)
    whole = _students(made, setup, tmp_path / "whole").model(SHORT, 2)
    stopped, seen = _students(made, setup, tmp_path / "stopped"), list[float]()

    def note(text: str, share: float, figures: Mapping[str, float] | None = None) -> None:
        seen.append(round(share, 3))
        if len(seen) == 4:  # behind the layers' fading, of rung-1's one step and four
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped.model(SHORT, 2, note)
    assert _same(stopped.model(SHORT, 2, note), whole)
    assert len(seen) <= 4 + 2, "the first stage was not begun again"
    assert not list(tmp_path.glob("stopped/students/*.training.safetensors"))


def test_students_of_another_recipe_are_others(made: tuple[Tracker, Pool], tmp_path: Path) -> None:
    kinds: list[dict[str, object]] = [{}, {"replacement": True}, {"feature_layers": "last"}]
    setups = [_setup(**kind) for kind in kinds]
    setups.append(replace(setups[0], recipe=replace(setups[0].recipe, pairs="ostrack")))
    assert len({_students(made, setup, tmp_path).path(SHORT, 1) for setup in setups}) == 4


def test_what_a_recipe_cannot_be_searched_with() -> None:
    nano = describe("ostrack-nano")
    with pytest.raises(UsageError, match="--recipe progressive has a stage .* --strategy elastic"):
        student_recipe("progressive", "elastic", nano)
    with pytest.raises(UsageError, match="layers of one width"):
        student_recipe("replacement", "halving", describe("hit-base"))
    with pytest.raises(UsageError, match="progressive"):
        student_recipe("progresive", "halving", nano)
    assert student_recipe("default", "elastic", nano) == StudentRecipe()


def test_a_fine_tuning_leaves_the_stage_out() -> None:
    """Its student was trained before; without a schedule of the recipe's own it has that of a search."""
    with pytest.warns(CompressWarning, match=r"has a stage \(progressive\).* is left out"):
        found = FinetuneSchedule.of(FinetuneSettings(recipe="progressive", steps=40), ComputeSettings())
    plain = FinetuneSchedule.of(FinetuneSettings(steps=40), ComputeSettings())
    assert (found.name, found.content) == ("progressive", plain.content)
    with (
        pytest.warns(CompressWarning, match=r"has a stage \(progressive\)"),
        pytest.warns(CompressWarning, match="draws 2 templates"),
    ):
        published = FinetuneSchedule.of(FinetuneSettings(recipe="mixformerv2", steps=40), ComputeSettings())
    assert published.recipe.procedure == StudentProcedure()
    assert published.trainer.drop == 32


@pytest.mark.slow
def test_a_search_by_a_file(tmp_path: Path, weights: str, data: str) -> None:
    """Its students are trained by it; it is noted, and the run is not continued by another."""
    (tmp_path / "space.yaml").write_text("knobs:\n  depth: [2, 3, 4]\n  mlp_ratio: [2, 4]\n")
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("description: mine\nbatch: 8\nlr: 1.0e-3\nstudent: {progressive: 0.5}\n")

    def searched(out: str, recipe: str, **settings: object) -> Archive:
        same = {
            "teacher": SMALL,
            "weights": weights,
            "data": data,
            "target": "agx",
            "space": str(tmp_path / "space.yaml"),
        }
        return search(out=tmp_path / out, recipe=recipe, trials=4, steps=8, pool=64, device="cpu", **same, **settings)  # type: ignore[arg-type]

    own, default = searched("run", str(recipe), executor="local", workers=2), searched("other", "default")
    noted = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert noted["recipe"] == str(recipe)
    assert (noted["training"]["batch"], noted["training"]["procedure"]["progressive"]) == (8, 0.5)
    assert "training" not in yaml.safe_load((tmp_path / "other" / "config.yaml").read_text())
    scores = [{r.spec.id: r.accuracy.ao for r in run.records if r.accuracy} for run in (own, default)]
    both = scores[0].keys() & scores[1].keys()
    assert any(scores[0][name] != scores[1][name] for name in both)
    assert len(searched("run", str(recipe)).records) == len(own.records)
    with pytest.raises(FileError, match="recipe is .*mine.yaml' there and 'default' here"):
        searched("run", "default")
    recipe.write_text(recipe.read_text().replace("0.5", "0.25"))
    with pytest.raises(FileError, match="recipe .* has changed since"):
        searched("run", str(recipe))
