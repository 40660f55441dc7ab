"""Losses of corner, pyramid and token heads, against figures of MixFormerV2's code and hand-worked cases."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from compress.core import UsageError
from compress.distill import StudentRecipe
from compress.distill.losses import ground_truth_loss, imitation_loss
from compress.distill.losses.boxes import ciou, giou
from compress.distill.losses.distributions import kl_divergence, marginals

DATA = Path(__file__).parents[1] / "data"
FIGURES = json.loads((DATA / "mixformerv2_distill_losses.json").read_text())
STAGES = [name for name in FIGURES if name.startswith("stage")]
TRUTH = torch.tensor([[0.45, 0.525, 0.2, 0.25]])
"""What the figures were made with: x, y, w, h = 0.35, 0.4, 0.2, 0.25."""


def _sides(student: str, gamma: str) -> dict[str, Tensor]:
    twelve = student.startswith("mixformerv2_student_depth12")
    golden = np.load(DATA / f"{'mixformerv2_student_depth12to8' if twelve else student}.golden.npz")
    prefix = f"gamma{gamma}_" if twelve else ""
    return {f"prob_{side}": torch.from_numpy(golden[f"{prefix}prob_{side}"]) for side in "ltrb"}


def _teacher(name: str) -> dict[str, Tensor]:
    if name != "mixvit_b_teacher":
        return _sides(name, "1.0")
    golden = np.load(DATA / f"{name}.golden.npz")
    return {f"prob_{corner}": torch.from_numpy(golden[f"prob_{corner}"]).view(1, 72, 72) for corner in ("tl", "br")}


def _published(stage: str) -> tuple[dict[str, Any], dict[str, Tensor], dict[str, Tensor]]:
    """The figures, the student's maps and the teacher's."""
    found = re.fullmatch(r"stage\d_teacher=(.+)_student=(.+?)(?:_gamma=(.+))?", stage)
    assert found is not None
    return FIGURES[stage], _sides(found[2], found[3] or "1.0"), _teacher(found[1])


@pytest.mark.parametrize("stage", STAGES)
def test_published_distillation_losses(stage: str) -> None:
    figures, maps, teacher = _published(stage)
    values = figures["values"]
    truth, imitated = ground_truth_loss(maps, TRUTH), imitation_loss(maps, teacher)
    recipe = StudentRecipe()
    divergences = values.get("Loss/distill_corner_kl", values.get("Loss/distill_logits"))
    np.testing.assert_allclose(truth["ciou"], values["Loss/ciou"], rtol=1e-6)
    np.testing.assert_allclose(truth["l1"], values["Loss/l1"], rtol=1e-6)
    np.testing.assert_allclose(truth["iou"], values["IoU"], atol=1e-6)
    np.testing.assert_allclose(imitated["imitate_distribution"], divergences, rtol=1e-6, atol=1e-8)
    total = truth["loss"] + recipe.weights["imitate_distribution"] * imitated["imitate_distribution"]
    total = total + recipe.weights["feature_raw"] * values.get("Loss/distill_feat", 0.0)
    np.testing.assert_allclose(total, values["Loss/total"], rtol=1e-6)


def test_published_divergence_of_each_side_from_the_dense_teacher() -> None:
    figures, maps, teacher = _published(STAGES[0])
    wanted = marginals(teacher)
    for side, figure in figures["kl_per_side"].items():
        np.testing.assert_allclose(kl_divergence(maps[f"prob_{side}"], wanted[f"prob_{side}"]), figure, rtol=1e-5)


def test_published_marginals() -> None:
    golden = np.load(DATA / "mixvit_b_teacher.golden.npz")
    for name, found in marginals(_teacher("mixvit_b_teacher")).items():
        np.testing.assert_allclose(found[0], golden[name.replace("prob", "marginal")], rtol=1e-5)


def test_published_overlaps() -> None:
    golden = np.load(DATA / "overlaps.npz")
    a, b = (torch.from_numpy(golden[f"boxes{i}_xyxy"]) for i in (1, 2))
    np.testing.assert_allclose(1 - ciou(a, b)[0], golden["ciou_loss_each"], atol=2e-6)
    np.testing.assert_allclose(1 - giou(a, b)[0], golden["giou_loss_each"], atol=2e-6)
    np.testing.assert_allclose(ciou(a, b)[1], golden["iou_each"], atol=2e-6)


def _spike(*places: int, bins: int = 10) -> list[Tensor]:
    return [torch.eye(bins)[[place]] for place in places]


def _corner_spikes(left: int, top: int, right: int, bottom: int) -> dict[str, Tensor]:
    x1, y1, x2, y2 = _spike(left, top, right, bottom)
    return {"prob_tl": y1[:, :, None] * x1[:, None], "prob_br": y2[:, :, None] * x2[:, None]}


def _side_spikes(left: int, top: int, right: int, bottom: int) -> dict[str, Tensor]:
    return dict(zip(("prob_l", "prob_t", "prob_r", "prob_b"), _spike(left, top, right, bottom), strict=True))


def test_boxes_at_bins_cost_what_hand_work_says() -> None:
    """The truth covers the left half of the prediction: IoU = GIoU = 1/2, one side of four off by 0.4.

    Centres are 0.2 apart and the diagonal is 0.8² + 0.4² = 0.8 squared, so CIoU = 1/2 − 0.04 / 0.8; at an IoU of no
    more than one half the aspect ratio does not count.
    """
    truth = torch.tensor([[0.3, 0.3, 0.4, 0.4]])
    corner = ground_truth_loss(_corner_spikes(1, 1, 9, 5), truth)
    np.testing.assert_allclose([corner["giou"], corner["l1"], corner["iou"]], [0.5, 0.1, 0.5], atol=1e-6)
    np.testing.assert_allclose(corner["loss"], 2 * 0.5 + 5 * 0.1, atol=1e-5)
    sides = ground_truth_loss(_side_spikes(1, 1, 9, 5), truth)
    np.testing.assert_allclose([sides["ciou"], sides["l1"]], [0.5 + 0.05, 0.1], atol=1e-6)
    np.testing.assert_allclose(sides["loss"], 2 * 0.55 + 5 * 0.1, atol=1e-5)


def test_sides_of_a_spike_are_its_row_and_column() -> None:
    torch.testing.assert_close(marginals(_corner_spikes(1, 2, 7, 8)), _side_spikes(1, 2, 7, 8))


def _random(names: str, *shape: int, seed: int) -> dict[str, Tensor]:
    values = torch.randn(len(names.split()), 3, *shape, generator=torch.Generator().manual_seed(seed))
    probs = values.flatten(2).softmax(2).view_as(values)
    return {f"prob_{name}": prob for name, prob in zip(names.split(), probs, strict=True)}


@pytest.mark.parametrize(("names", "shape"), [("tl br", (6, 6)), ("l t r b", (9,))])
def test_imitation_is_zero_for_the_teacher_itself_and_positive_for_others(names: str, shape: tuple[int, ...]) -> None:
    teacher, other = (_random(names, *shape, seed=seed) for seed in (0, 1))
    (part,) = imitation_loss(teacher, teacher).values()
    assert abs(float(part)) < 1e-6
    (part,) = imitation_loss(other, teacher).values()
    by_hand = [(teacher[k] * (teacher[k] / other[k]).log()).sum() / 3 for k in teacher]
    torch.testing.assert_close(part, torch.stack(by_hand).mean())


def test_certain_distributions_have_finite_losses() -> None:
    """A probability that has fallen to zero still learns from the others of its distribution."""
    logits = torch.tensor([[300.0, 0.0, 0.0, 0.0]], requires_grad=True)
    maps = {f"prob_{side}": logits.softmax(1) for side in "ltrb"}
    teacher = _side_spikes(2, 2, 2, 2)
    loss = imitation_loss(maps, {k: v[:, :4] for k, v in teacher.items()})["imitate_distribution"]
    loss.backward()
    assert torch.isfinite(loss)
    assert logits.grad is not None
    assert bool(torch.isfinite(logits.grad).all())


@pytest.mark.parametrize("kind", ["sides", "corners"])
def test_boxes_turned_inside_out_are_turned_back(kind: str) -> None:
    logits = torch.zeros(4, 8, requires_grad=True)
    tilt = torch.linspace(2, -2, 8)
    left, top, right, bottom = (logits + torch.stack([-tilt, -tilt, tilt, tilt])).softmax(1)[:, None]
    maps = {"prob_l": left, "prob_t": top, "prob_r": right, "prob_b": bottom}
    if kind == "corners":
        maps = {"prob_tl": top[:, :, None] * left[:, None], "prob_br": bottom[:, :, None] * right[:, None]}
    parts = ground_truth_loss(maps, torch.tensor([[0.5, 0.5, 0.5, 0.5]]))
    assert parts["iou"] == 0
    assert all(bool(torch.isfinite(part)) for part in parts.values())
    parts["loss"].backward()
    assert logits.grad is not None
    slopes = (logits.grad * torch.linspace(0, 1, 8)).sum(1)
    assert (slopes > 0).tolist() == [True, True, False, False]


def test_a_score_head_imitates_the_teachers_logit() -> None:
    sides = _random("l t r b", 9, seed=0)
    teacher = {**sides, "pred_scores": torch.tensor([2.0, -1.0, 0.0])}
    same = imitation_loss(teacher, teacher)
    assert abs(float(same["imitate_presence"])) < 1e-7
    other = imitation_loss({**sides, "pred_scores": torch.zeros(3)}, teacher)
    p = torch.tensor([2.0, -1.0, 0.0]).sigmoid()
    by_hand = (p * (2 * p).log() + (1 - p) * (2 * (1 - p)).log()).mean()
    torch.testing.assert_close(other["imitate_presence"], by_hand)
    imitation_loss(sides, teacher)  # a student without the score head may leave it


def test_heads_that_do_not_compare_are_refused() -> None:
    sides, corner = _random("l t r b", 9, seed=0), _random("tl br", 9, 9, seed=0)
    imitation_loss(sides, corner)
    for maps, teacher in (
        (sides, _random("tl br", 6, 6, seed=0)),
        (corner, sides),
        ({**sides, "pred_scores": torch.zeros(3)}, sides),
        ({**sides, "pred_scores": torch.zeros(3)}, corner),
    ):
        with pytest.raises(UsageError, match="cannot imitate its teacher's"):
            imitation_loss(maps, teacher)
