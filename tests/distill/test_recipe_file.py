"""Published recipes: what ships says what the papers say, and what a user writes is checked before it is used."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from compress.cli.train_teacher import command as train_teacher
from compress.cli.train_teacher import recipe_of
from compress.core import FileError, UsageError, describe, fingerprint
from compress.data.pairs import PAIR_RECIPES
from compress.distill import ComputeSettings, StudentRecipe, TeacherRecipe, load_recipe, recipe_names
from compress.distill.procedure import StudentProcedure
from compress.distill.recipe_file import DISTILLATION

_PLAIN = "description: mine\nepochs: 10\npairs_per_epoch: 640\nbatch: 64\nlr: 1.0e-3\n"

_PUBLISHED = {
    # epochs, batch, rate, of the backbone, last epoch at the whole rate, clipping
    "abtrack": (300, 32, 4e-5, 1.0, 240, 0.1),
    "dytrack": (300, 64, 1e-4, 0.1, 240, 0.1),
    "hit": (1500, 128, 5e-4, 1.0, 1200, 0.1),
    "litetrack": (300, 32, 1e-4, 0.1, 240, 0.0),
    "litetrack-got10k": (100, 32, 1e-4, 0.1, 80, 0.0),
    "mixformerv2": (500, 256, 4e-4, 0.1, 400, 0.1),
    "ostrack": (300, 128, 4e-4, 0.1, 240, 0.1),
    "ostrack-got10k": (100, 128, 4e-4, 0.1, 80, 0.1),
}


_OF_STUDENTS = {
    "default": StudentProcedure(),
    "progressive": StudentProcedure(progressive=0.25),
    "replacement": StudentProcedure(replacement=True),
    "intermediate": StudentProcedure(intermediate=0.5),
    "sparse": StudentProcedure(sparse=0.5),
}


def test_every_recipe_that_ships_is_checked_here() -> None:
    assert recipe_names() == sorted([*_PUBLISHED, *_OF_STUDENTS])


@pytest.mark.parametrize("name", _OF_STUDENTS)
def test_recipes_of_students_differ_from_the_default_in_their_procedure_alone(name: str) -> None:
    found = load_recipe(name)
    assert StudentRecipe.of(found) == replace(StudentRecipe(), procedure=_OF_STUDENTS[name])
    with pytest.raises(UsageError, match="no schedule"):
        TeacherRecipe.following(found, {})


def test_a_search_takes_schedule_pairs_and_procedure_of_a_published_recipe() -> None:
    found = StudentRecipe.of(load_recipe("mixformerv2"))
    assert (found.batch, found.pairs, found.distribution) == (256, "mixformer", 5)
    assert found.procedure == StudentProcedure(mlp_rank="leading", progressive=0.08)
    trainer = found.trainer(100)
    assert (trainer.schedule, trainer.drop, trainer.decay, trainer.report_every) == ("step", 80, "all", 5)
    other = replace(load_recipe("mixformerv2"), description="said otherwise")
    assert StudentRecipe.of(other).to_dict() == found.to_dict(), "words are no part of what students are kept by"
    assert StudentRecipe().following(load_recipe("mixformerv2")).to_dict().keys() == StudentRecipe().to_dict().keys()


def test_what_was_kept_by_the_default_recipe_is_found_again() -> None:
    """Its fingerprint is that of the version before recipes of students."""
    assert fingerprint(StudentRecipe()) == "46b86e994d8e29f231f7545fec4490b5"
    others = [StudentRecipe.of(load_recipe(name)) for name in recipe_names()]
    assert len({fingerprint(each) for each in others}) == len(others)


@pytest.mark.parametrize("name", _PUBLISHED)
def test_figures_are_those_of_the_publications(name: str) -> None:
    found = load_recipe(name)
    whole = (found.epochs, found.batch, found.lr, found.backbone_lr, found.drop_epoch, found.clip)
    assert whole == _PUBLISHED[name]
    assert (found.pairs_per_epoch, found.weight_decay, found.decay, found.warmup_epochs) == (60_000, 1e-4, "all", 0)
    assert (found.schedule, found.beta2, found.ema) == ("step", 0.999, 0.0)
    assert (found.loss.iou, found.loss.l1) == (2, 5)
    assert found.pairs in PAIR_RECIPES
    TeacherRecipe.following(found, {})
    StudentRecipe().following(found)


def test_a_published_schedule_in_steps() -> None:
    whole = load_recipe("ostrack").trainer()
    assert whole.steps == 300 * (60_000 // 128)
    assert whole.drop == 240 * (60_000 // 128)
    short = load_recipe("ostrack").trainer(1000, compute=ComputeSettings(accumulate=4))
    assert (short.steps, short.drop, short.report_every, short.compute.accumulate) == (1000, 800, 2, 4)


def test_a_teacher_follows_a_recipe_where_nothing_else_is_said() -> None:
    recipe = load_recipe("ostrack")
    found = TeacherRecipe.following(recipe, {"lr": 1e-5, "batch": 32, "seed": 7})
    assert (found.lr, found.batch, found.seed, found.schedule, found.drop_path) == (1e-5, 32, 7, "step", 0.1)
    assert found.steps == 300 * (60_000 // 32), "as many pairs"
    assert TeacherRecipe.following(recipe, {"steps": 10}).trainer(ComputeSettings()).drop == 8


def test_a_student_takes_what_a_recipe_states_of_its_losses() -> None:
    found = StudentRecipe(score=7.0).following(load_recipe("dytrack"))
    assert (found.self_imitation, found.iou, found.new, found.lr, found.score) == (10, 5, 1, 1e-4, 7.0)
    assert set(DISTILLATION) <= {f.name for f in fields(StudentRecipe)}


def test_the_backbone_of_a_full_size_student_learns_at_a_tenth() -> None:
    rates = {name: StudentRecipe().trainer(10, describe(name)).backbone_lr for name in ("ostrack256", "litetrack-b4")}
    assert rates == {"ostrack256": 0.1, "litetrack-b4": 0.1}
    for name in ("ostrack-nano", "abtrack-deit", "hit-base"):
        assert StudentRecipe().trainer(10, describe(name)).backbone_lr == 1.0


def test_options_beside_a_recipe_take_its_place() -> None:
    words = ["ostrack-nano", "--out", "out", "--recipe", "litetrack", "--lr", "2e-4", "--pairs", "default"]
    with train_teacher.make_context("train-teacher", words) as context:
        found = recipe_of(context.params["recipe_name"], context.params)
    assert found == TeacherRecipe.following(load_recipe("litetrack"), {"lr": 2e-4, "pairs": "default"})


def test_a_file_of_the_users(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(_PLAIN + "warmup_epochs: 1\nschedule: cosine\nloss: {l1: 4}\n", encoding="utf-8")
    found = load_recipe(str(path))
    assert (found.loss.l1, found.loss.iou) == (4, 2)
    settings = found.trainer()
    assert (settings.steps, settings.warmup, settings.drop, settings.schedule) == (100, 10, 100, "cosine")
    assert load_recipe(path) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must be an object"),
        ("epochs: 10\npairs_per_epoch: 640\n", "description is missing"),
        ("description: mine\nepochs: 3\n", "pairs_per_epoch must be a whole number from 1"),
        ("description: mine\nema: 0.5\n", "ema belongs to a schedule; give epochs and pairs_per_epoch, too"),
        (_PLAIN + "student: {progressive: 1.0}\n", "student.progressive must be 0 or a number above 0 and below 1"),
        (_PLAIN + "student: {progressive: 0.1, replacement: true}\n", "progressive and replacement cannot be combined"),
        (_PLAIN + "student: {feature_layers: some}\n", "student.feature_layers must be one of all, last"),
        (_PLAIN + "student: {fade: 0.1}\n", "student.fade is not a known field"),
        (_PLAIN + "epochs: 3\n", "twice"),
        (_PLAIN + "momentum: 0.9\n", "momentum is not a known field"),
        (_PLAIN.replace("1.0e-3", "1e-3"), "lr must be a number but is '1e-3'.*YAML takes 1e-4 for a text"),
        (_PLAIN.replace("1.0e-3", ".nan"), "lr"),
        (_PLAIN.replace("batch: 64", "batch: 1"), "batch must be a whole number from 2"),
        (_PLAIN.replace("10\n", "1000000\n") + "pairs_per_epoch: 1\n", "twice"),
        (_PLAIN + "drop_epoch: 11\n", "drop_epoch must be a whole number from 0 to epochs but is 11"),
        (_PLAIN + "schedule: poly\n", "schedule must be one of cosine, step"),
        (_PLAIN + "loss: {l1: -1}\n", "loss.l1 must be a number from 0"),
        (_PLAIN + "loss: {l2: 1}\n", "loss.l2 is not a known field"),
        (_PLAIN + "distillation: {scores: 1}\n", "unknown part 'scores'"),
        (_PLAIN + "distillation: {score: -1}\n", "distillation.score must be a number"),
        (_PLAIN.replace("epochs: 10", "epochs: 1000000").replace("640", "64000000"), "steps, but these must be"),
        ("a: &a [1]\nb: *a\n", "aliases"),
        ("!!python/object/apply:os.getcwd []\n", "could not determine a constructor"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FileError, match=words):
        load_recipe(path)


def test_an_unknown_name_gives_close_ones() -> None:
    with pytest.raises(UsageError, match="ostrack"):
        load_recipe("ostrak")
    with pytest.raises(FileError, match="There is no training recipe"):
        load_recipe("nowhere/ostrack.yaml")
