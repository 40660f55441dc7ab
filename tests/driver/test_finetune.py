"""Fine-tuning for real: a variant of a small run trained a few steps on, stopped, refused, reported."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import torch
import yaml

import compress
from compress.archive import Archive, Record, read_archive, read_curve, read_study, run_dir_lock
from compress.cli import main
from compress.core import CompressError, CompressWarning, FileError, UsageError
from compress.core.files import work_home
from compress.core.locks import locked
from compress.data.pairs import PAIR_RECIPES
from compress.distill import ComputeSettings, PairStream, StudentRecipe, distill
from compress.distill.trainer_settings import LossWeights
from compress.driver.finetuning.results import pairs_seen
from compress.driver.finetuning.schedule import FinetuneSchedule
from compress.driver.finetuning.settings import FinetuneKeywords, FinetuneSettings
from compress.export import load_trained
from compress.models import Tracker, build, load_weights, save_weights, weights_key
from compress.testing.finetunable_run import write_finetunable_run
from compress.testing.small_teacher import small_teacher

STEPS: dict[str, Any] = {"steps": 3, "pool": 64, "device": "cpu"}


def _finetune(run: Path, variant: str = "v000", **settings: Any) -> Record:
    return compress.finetune(run, variant, **(STEPS | settings))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, home: Path, weights: str, data: str) -> Path:
    return write_finetunable_run(tmp_path_factory.mktemp("finetune") / "run", weights, data)


@pytest.fixture(scope="module")
def before(run: Path) -> Archive:
    return read_archive(run)


@pytest.fixture(scope="module")
def found(run: Path, before: Archive) -> Record:
    return _finetune(run)


@pytest.fixture
def copied(run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run, tmp_path / "run"))


def test_the_result_is_a_variant_of_its_own(run: Path, found: Record, data: str) -> None:
    archive = read_archive(run)
    record = archive.variant(found.variant)
    assert record == found
    assert record.fidelity == "finetuned"
    lineage = record.lineage
    assert lineage is not None
    assert (lineage.parent, lineage.steps, lineage.seed) == ("v000", 3, 0)
    assert lineage.train_data == "generated"
    assert lineage.evaluation is not None
    assert lineage.evaluation.sequences == 2
    assert lineage.validation is None, "recorded data has no sequences beside those that were scored on"
    assert [rung["steps"] for rung in record.rungs] == [4, 7]
    assert record.spec == archive.variant("v000").spec


def test_its_weights_are_its_own(run: Path, found: Record) -> None:
    networks = [build(found.spec), build(found.spec)]
    for network, name in zip(networks, (found.weights_file, f"{found.spec.weights_id}.safetensors"), strict=True):
        load_weights(network, run / "checkpoints" / name)
    assert weights_key(networks[0]) != weights_key(networks[1])


def test_other_commands_find_it_by_its_name(run: Path, found: Record) -> None:
    source, network = load_trained(str(run), found.variant), build(found.spec)
    load_weights(network, run / "checkpoints" / found.weights_file)
    assert weights_key(source.model) == weights_key(network)
    assert source.provenance["fidelity"] == "finetuned"
    assert load_trained(str(run), None).provenance["variant"] == "v000", "the best is that of the search's front"


@pytest.mark.slow
def test_it_is_exported_and_evaluated(run: Path, found: Record, data: str, tmp_path: Path) -> None:
    for words in (
        ["export", str(run), "--variant", found.variant, "--out", str(tmp_path / "bundle"), "--data", data],
        ["evaluate", f"{run}:{found.variant}", "--data", data],
        ["evaluate", str(tmp_path / "bundle"), "--data", data],
    ):
        with pytest.raises(SystemExit) as stop:
            main(words)
        assert stop.value.code == 0


def test_nothing_of_the_search_changes(run: Path, before: Archive, found: Record) -> None:
    after = read_archive(run)
    assert after.records == before.records
    assert after.teacher == before.teacher
    assert after.front() == before.front()
    assert after.fidelity == before.fidelity == "full"
    assert [trial.state.name for trial in read_study(run).trials] == ["COMPLETE", "PRUNED"]


def test_report_and_tables_show_it_apart(run: Path, found: Record, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["report", str(run), "--json"])
    assert stop.value.code == 0
    answer = json.loads(capsys.readouterr().out)
    assert [each["variant"] for each in answer["finetuned"]] == [found.variant]
    assert found.variant not in [each["variant"] for each in answer["front"]]
    assert f"\n{found.variant}," in (run / "trials.csv").read_text()
    assert f"\n{found.variant}," not in (run / "pareto.csv").read_text()
    page = (run / "report" / "index.html").read_text()
    assert "<h2>Fine-tuned variants</h2>" in page
    assert "<h2>Learning curves</h2>" in page


def test_its_learning_curve_is_kept(run: Path, found: Record) -> None:
    curve = read_curve(run, found.variant)
    assert [point.step for point in curve] == [1, 2, 3]
    assert all({"loss", "iou", "imitate_score"} <= point.parts.keys() for point in curve)


def test_the_same_command_again_trains_nothing(
    run: Path, found: Record, monkeypatch: pytest.MonkeyPatch, data: str
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr("compress.driver.finetuning.finetune.train", never)
    assert _finetune(run) == found
    compared = _finetune(run, data=data).lineage
    assert compared is not None
    assert compared.validation is not None, "compared on other data, without training"


def test_the_study_may_lie_elsewhere(weights: str, data: str, tmp_path: Path) -> None:
    place = {"storage": f"journal:{tmp_path / 'run.journal'}", "study": "compress-run-1"}
    run = write_finetunable_run(tmp_path / "run", weights, data, **place)
    found = _finetune(run, steps=1)
    assert read_archive(run).finetuned == (found,)
    assert not (run / "study.db").exists()


def test_a_fine_tuned_variant_can_be_gone_on_from(copied: Path, found: Record) -> None:
    again = _finetune(copied, found.variant, steps=1)
    assert again.lineage is not None
    assert again.lineage.parent == found.variant
    assert again.variant.startswith(f"{found.variant}-")
    assert len(read_archive(copied).finetuned) == 2


def _copied(change: Callable[[Path], object]) -> Callable[[Path], dict[str, Any]]:
    def changed(run: Path) -> dict[str, Any]:
        change(run)
        return {}

    return changed


def _other_weights(run: Path) -> dict[str, Any]:
    shutil.rmtree(work_home() / "teachers", ignore_errors=True)
    torch.manual_seed(1)
    save_weights(build(small_teacher()), run / "other.safetensors")
    return {"weights": str(run / "other.safetensors")}


def _no_fingerprints(run: Path) -> None:
    path = run / "config.yaml"
    path.write_text(path.read_text().partition("fingerprints:")[0])


def _another_fingerprint(run: Path) -> None:
    path = run / "config.yaml"
    head, _, rest = path.read_text().partition("  data: ")
    path.write_text(f"{head}  data: other\n{rest.partition(chr(10))[2]}")


def _no_checkpoints(run: Path) -> None:
    shutil.rmtree(run / "checkpoints")


@pytest.mark.parametrize(
    ("variant", "prepare", "error", "words"),
    [
        ("v00", lambda run: {}, UsageError, "Did you mean .*v000"),
        ("teacher", lambda run: {}, UsageError, "what variants are distilled from"),
        (
            "v001",
            lambda run: {},
            UsageError,
            r"never trained by itself \(rejected: too slow\).*Choose one that was: v000",
        ),
        ("v000", _copied(_no_checkpoints), FileError, "weights of v000 are gone"),
        ("v000", _other_weights, FileError, "distilled from other weights of small"),
        ("v000", _copied(_no_fingerprints), FileError, "does not say what its search worked with"),
        ("v000", _copied(_another_fingerprint), FileError, "has changed since the search"),
        ("v000", lambda run: {"train_data": "folder:/nowhere"}, FileError, "nowhere"),
        ("v000", lambda run: {"train_data": "folders:x"}, UsageError, "Data must be"),
        ("v000", lambda run: {"steps": 0}, UsageError, "--steps must be"),
        ("v000", lambda run: {"recipe": "ostrak"}, UsageError, "Did you mean .*ostrack"),
    ],
)
def test_refusals_say_why(
    copied: Path, variant: str, prepare: Callable[[Path], dict[str, Any]], error: type[CompressError], words: str
) -> None:
    settings = prepare(copied)
    with pytest.raises(error, match=words):
        _finetune(copied, variant, **settings)
    assert not (copied / "finetune").exists()


def test_a_running_search_is_waited_for(copied: Path) -> None:
    with run_dir_lock(copied), pytest.raises(CompressError, match="A search is running in .* once it has ended"):
        _finetune(copied)


def test_two_processes_do_not_train_the_same(copied: Path, found: Record) -> None:
    with (
        locked(copied / "finetune" / f"{found.variant}.lock"),
        pytest.raises(CompressError, match="being fine-tuned by another process"),
    ):
        _finetune(copied)


def test_training_on_what_is_scored_on_is_warned_of(copied: Path, data: str) -> None:
    with pytest.warns(CompressWarning, match="looks better than it is"):
        _finetune(copied, train_data=data, steps=1)


def test_a_published_recipe_says_how_far_and_how() -> None:
    settings = FinetuneSettings(recipe="ostrack")
    schedule = FinetuneSchedule.of(settings, ComputeSettings())
    assert (schedule.steps, schedule.recipe.batch) == (300 * (60_000 // 128), 128)
    short = FinetuneSchedule.of(FinetuneSettings(recipe="ostrack", steps=100), ComputeSettings(accumulate=2))
    assert (short.trainer.drop, short.trainer.backbone_lr, short.trainer.compute.accumulate) == (80, 0.1, 2)
    assert FinetuneSchedule.of(FinetuneSettings(), ComputeSettings()).name == "search"
    assert schedule.content != FinetuneSchedule.of(FinetuneSettings(), ComputeSettings()).content


_RECIPE = """
description: short
epochs: 2
pairs_per_epoch: 16
batch: 16
lr: 1.0e-4
pairs: {pairs}
drop_path: 0.25
loss: {{score: 3, iou: 1, l1: 0.5}}
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Callable[[str], str]:
    """A file of a recipe with pairs of a name."""

    def written(pairs: str) -> str:
        (tmp_path / "own.yaml").write_text(_RECIPE.format(pairs=pairs))
        return str(tmp_path / "own.yaml")

    return written


def test_all_of_a_recipe_holds(copied: Path, recipe: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its way of drawing pairs, its loss weights, its stochastic depth, its batch and its steps."""
    seen: list[tuple[Tracker, PairStream, StudentRecipe]] = []

    def noted(student: Tracker, pairs: PairStream, how: StudentRecipe, **options: Any) -> Tracker:
        seen.append((student, pairs, how))
        return distill(student, pairs, how, **options)

    monkeypatch.setattr("compress.driver.finetuning.training.distill", noted)
    shown: list[str] = []
    options: dict[str, Any] = {"pool": None, "cache_size": "0", "progress": lambda text, *_: shown.append(text)}
    record = _finetune(copied, recipe=recipe("ostrack"), steps=None, **options)
    ((student, pairs, how),) = seen
    assert [block.drop_path.rate for block in student.backbone.blocks] == [0.0, 0.125, 0.25]  # type: ignore[union-attr]
    assert pairs.about["drawn"] == PAIR_RECIPES["ostrack"].figures()
    assert (how.batch, how.loss) == (16, LossWeights(3, 1, 0.5))
    paces = [text for text in shown if "step 2 of 2" in text]
    assert re.fullmatch(r".*: step 2 of 2, .* pairs/s, \d+% waiting for pairs, \d+% for the teacher", paces[-1])
    assert record.lineage is not None
    assert record.lineage.steps == 2
    assert record.lineage.seen == pairs_seen(record) == (8 + 2) * 16, "behind 4 steps of 32 pairs of the search"


def test_each_part_of_a_recipe_makes_another_variant(recipe: Callable[[str], str]) -> None:
    def content(text: str) -> list[dict[str, Any]]:
        Path(path).write_text(text)
        return FinetuneSchedule.of(FinetuneSettings(recipe=path), ComputeSettings()).content

    path = recipe("ostrack")
    text = Path(path).read_text()
    changed = [text.replace(*words) for words in (("ostrack", "hit"), ("0.25", "0.5"), ("score: 3", "score: 4"))]
    found = [content(each) for each in (text, *changed)]
    assert all(found.count(each) == 1 for each in found)


def test_what_of_a_recipe_cannot_hold_is_said(recipe: Callable[[str], str]) -> None:
    with pytest.warns(CompressWarning, match=r"draws 2 templates \(mixformer\).* So one is drawn"):
        found = FinetuneSchedule.of(FinetuneSettings(recipe=recipe("mixformer")), ComputeSettings())
    assert found.pairs == replace(PAIR_RECIPES["mixformer"], templates=1)
    with pytest.raises(UsageError, match=r"without their target \(mixformer-score\)"):
        FinetuneSchedule.of(FinetuneSettings(recipe=recipe("mixformer-score")), ComputeSettings())


def test_what_a_run_of_before_did_not_note_is_assumed_in_words(copied: Path) -> None:
    path = copied / "config.yaml"
    kept = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({name: each for name, each in kept.items() if name not in ("pairs", "train_data")}))
    with pytest.warns(CompressWarning) as warned:
        _finetune(copied, steps=1, pool=None, cache_size="0")
    data, pairs = sorted(str(each.message) for each in warned)
    assert "Generated pairs are assumed; --train-data names others." in data + pairs
    assert "taken for a stream: what v000 is trained on now begins behind the 128 pairs" in data + pairs


@pytest.mark.slow
def test_it_is_timed_beside_parent_and_teacher(weights: str, data: str, tmp_path: Path) -> None:
    record = _finetune(write_finetunable_run(tmp_path / "run", weights, data, target="cpu"), steps=1)
    assert record.measured is not None
    assert record.lineage is not None
    assert record.lineage.beside.keys() == {"teacher", "v000"}
    archive = read_archive(tmp_path / "run")
    assert (archive.teacher.measured, archive.variant("v000").measured) == (None, None), "theirs are of the search"


def test_keywords_are_the_settings() -> None:
    assert get_type_hints(FinetuneKeywords) == get_type_hints(FinetuneSettings)
