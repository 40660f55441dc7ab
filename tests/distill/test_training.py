"""Training for real, on a network small enough: students learn, teachers are logged and saved."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from compress.core import CompressError, UsageError, describe
from compress.data import open_source
from compress.distill import Pool, StudentRecipe, TeacherRecipe, distill, pick_device, train_teacher
from compress.distill.feature_distillation import distilled_layers, matched_layers
from compress.models import Tracker, build, load_weights
from compress.surgery import inherit
from compress.testing.small_trackers import SPARSE, SPEC, STUDENT, shorter
from compress.testing.unseen_pairs import seen_pairs, unseen_losses

CPU = torch.device("cpu")
GENERATED = open_source("generated")
RECIPE = TeacherRecipe(steps=8, batch=8, reuse=2, warmup=2, drop_path=0.1)


def test_matched_layers_hand_on_what_the_next_copy_expects() -> None:
    teacher = describe("ostrack-nano")
    student = replace(teacher, layers=tuple(teacher.layers[i] for i in (0, 3, 7, 9)))
    # Layer 0 is followed by the copy of 3, so it hands on the teacher's output of 2; the last one that of 11.
    assert matched_layers(student, teacher) == {0: 2, 1: 6, 2: 8, 3: 11}


def test_matched_layers_of_a_levit_end_with_its_stages() -> None:
    teacher = describe("hit-base")  # stages of four layers
    student = replace(teacher, layers=tuple(teacher.layers[i] for i in (0, 2, 5, 8, 10)))
    assert matched_layers(student, teacher) == {0: 1, 1: 3, 2: 7, 3: 9, 4: 11}
    assert distilled_layers(teacher) == [3, 7, 11]


PARTS = {
    "centre": {"loss": 0.9, "feature": 0.6, "imitate_box": 0.95},
    "eliminating": {"loss": 0.9, "feature": 0.6, "imitate_box": 0.95},
    "pyramid": {"loss": 0.9, "feature_raw": 0.6, "imitate_distribution": 0.8},
    "levit": {"loss": 0.85, "feature": 0.65},
    "tokens": {"loss": 0.9, "feature_raw": 0.6, "imitate_distribution": 0.8, "imitate_presence": 0.9},
}
"""By how much each part falls at least."""


@pytest.mark.parametrize("kind", PARTS)
def test_student_comes_nearer_to_its_teacher(awake_teacher: Callable[[str], tuple[Tracker, Pool]], kind: str) -> None:
    teacher, pool = awake_teacher(kind)
    seen: list[tuple[float, dict[str, float]]] = []
    start = inherit(teacher, shorter(teacher.spec))
    before = unseen_losses(start, pool)
    recipe = StudentRecipe(batch=16, lr=1e-3, ema=0.9)
    progress = {"progress": lambda text, share, parts=None: seen.append((share, parts))}
    student = distill(start, seen_pairs(pool), recipe, steps=60, seed=0, device=CPU, **progress)
    assert not student.training
    assert [share for share, _ in seen] == [step / 60 for step in range(3, 61, 3)]
    assert seen[-1][1].keys() == before.keys() >= PARTS[kind].keys()
    after = unseen_losses(student, pool)
    for part, share in PARTS[kind].items():
        assert after[part] < share * before[part], part


def test_a_levit_keeps_the_teachers_statistics(awake_teacher: Callable[[str], tuple[Tracker, Pool]]) -> None:
    teacher, pool = awake_teacher("levit")
    start = inherit(teacher, shorter(teacher.spec))
    before = {k: v.clone() for k, v in start.state_dict().items() if "running" in k}
    after = distill(start, pool, StudentRecipe(batch=8), steps=2, seed=0, device=CPU).state_dict()
    changed = {k.split(".")[0] for k, v in before.items() if not torch.equal(v, after[k])}
    assert changed == {"box_head"}


def test_prediction_tokens_learn_from_corner_maps(awake_teacher: Callable[[str], tuple[Tracker, Pool]]) -> None:
    """Dense to sparse: the tokens and their head start from nothing and imitate the marginals."""
    teacher, pool = awake_teacher("pyramid")
    start = inherit(teacher, SPARSE)
    before = unseen_losses(start, pool)
    student = distill(start, seen_pairs(pool), StudentRecipe(batch=16, lr=1e-3, ema=0.9), steps=60, seed=0, device=CPU)
    after = unseen_losses(student, pool)
    assert after["imitate_distribution"] < 0.85 * before["imitate_distribution"]
    assert after["loss"] < 0.95 * before["loss"]


def test_loss_is_the_weighted_sum_of_its_parts(teacher: Tracker, pool: Pool) -> None:
    student = inherit(teacher, STUDENT)
    parts = unseen_losses(student, pool)
    total = parts["focal"] + 2 * parts["giou"] + 5 * parts["l1"]
    total += 60 * parts["imitate_score"] + 20 * parts["imitate_box"] + 8 * parts["feature"]
    assert parts["loss"] == pytest.approx(total, rel=1e-5)


def test_distillation_repeats(teacher: Tracker, pool: Pool) -> None:
    run = {"steps": 3, "seed": 5, "device": CPU}
    first, again = (distill(inherit(teacher, STUDENT), pool, StudentRecipe(batch=8), **run) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first.state_dict().values(), again.state_dict().values(), strict=True))


def test_divergence_is_an_error(teacher: Tracker, pool: Pool) -> None:
    with pytest.raises(CompressError, match="diverged"):
        distill(
            inherit(teacher, STUDENT),
            pool,
            StudentRecipe(batch=8, lr=1e30),
            steps=20,
            seed=0,
            device=CPU,
        )


def test_teacher_trains_logs_and_saves(tmp_path: Path) -> None:
    model = train_teacher(SPEC, RECIPE, GENERATED, out=tmp_path, device="cpu", workers=0)
    saved = build(SPEC)
    load_weights(saved, tmp_path / "weights.safetensors")
    half = {k: v.half() for k, v in model.state_dict().items() if v.is_floating_point()}
    assert all(torch.equal(half[k], v.half()) for k, v in saved.state_dict().items() if k in half)
    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows[-1]["step"] == "8"
    assert float(rows[-1]["loss"]) > 0


@pytest.mark.skipif(torch.cuda.is_available(), reason="torch sees a CUDA device")
def test_absent_cuda_is_said() -> None:
    assert pick_device("auto").type == "cpu"
    with pytest.raises(UsageError, match="--device cpu"):
        pick_device("cuda")
