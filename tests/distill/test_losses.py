"""Losses of the centre head against figures of the published code (`training.npz`) and hand-worked cases; features."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from compress.distill import losses
from compress.distill.feature_distillation import feature_loss
from compress.distill.losses import boxes, centre

GOLDEN = np.load(Path(__file__).parents[1] / "data" / "training.npz")


def _boxes() -> torch.Tensor:
    xywh = torch.from_numpy(GOLDEN["gt_xywh_norm"])
    return torch.cat([xywh[:, :2] + xywh[:, 2:] / 2, xywh[:, 2:]], 1)


@pytest.mark.parametrize("cell", ["ostrack", "litetrack"])
@pytest.mark.parametrize("grid", [16, 24])
def test_heat_map_is_the_published_one(cell: centre.Cell, grid: int) -> None:
    got = centre.heat_map(_boxes(), grid, cell=cell)[:, 0].numpy()
    np.testing.assert_allclose(got, GOLDEN[f"heatmap_{cell}_{grid}"], atol=1e-6)


@pytest.mark.parametrize(("cell", "eps"), [("ostrack", 1e-12), ("litetrack", 1e-7)])
def test_published_total(cell: centre.Cell, eps: float) -> None:
    giou, l1, focal, total = GOLDEN[f"{cell}_giou_l1_focal_total"]
    target = centre.heat_map(_boxes(), 16, cell=cell)
    got_focal = centre.focal_loss(torch.from_numpy(GOLDEN["score_map"]), target, eps=eps)
    truth = boxes.corners(_boxes()).clamp(0, 1)
    predicted = boxes.corners(torch.from_numpy(GOLDEN["pred_cxcywh"])[:, 0])
    got_giou, iou = boxes.giou(predicted, truth)
    got_l1 = (predicted - truth).abs().mean()
    np.testing.assert_allclose(got_focal, focal, rtol=1e-5)
    np.testing.assert_allclose((1 - got_giou).mean(), giou, rtol=1e-5)
    np.testing.assert_allclose(iou, GOLDEN[f"{cell}_iou"], atol=1e-6)
    np.testing.assert_allclose(got_l1, l1, rtol=1e-5)
    np.testing.assert_allclose(got_focal + 2 * (1 - got_giou).mean() + 5 * got_l1, total, rtol=1e-5)


def _maps(box: tuple[float, float, float, float], grid: int = 8) -> dict[str, torch.Tensor]:
    """Maps that say exactly `box`: peak cell at the box's centre, every cell pointing there."""
    cx, cy, w, h = box
    column, row = torch.meshgrid(torch.arange(grid), torch.arange(grid), indexing="xy")
    offset = torch.stack([cx * grid - column, cy * grid - row])[None]
    size = torch.tensor([w, h])[None, :, None, None].expand(1, 2, grid, grid)
    score = centre.heat_map(torch.tensor([box]), grid).clamp(1e-4, 1 - 1e-4)
    return {"score_map": score, "size_map": size, "offset_map": offset}


def test_perfect_maps_cost_nothing_but_the_clamp() -> None:
    box = (0.4, 0.6, 0.2, 0.3)
    parts = losses.ground_truth_loss(_maps(box), torch.tensor([box]))
    assert parts["giou"] < 1e-6
    assert parts["l1"] < 1e-6
    assert parts["iou"] > 1 - 1e-6
    assert parts["focal"] < 1e-3


def test_half_covered_box_costs_what_hand_work_says() -> None:
    # The prediction is twice as wide as the truth and holds it: IoU = GIoU = 1/2, corners off by (0.1, 0, 0.1, 0).
    parts = losses.ground_truth_loss(_maps((0.5, 0.5, 0.4, 0.4)), torch.tensor([[0.5, 0.5, 0.2, 0.4]]))
    np.testing.assert_allclose(parts["giou"], 0.5, atol=1e-6)
    np.testing.assert_allclose(parts["l1"], 0.05, atol=1e-6)
    np.testing.assert_allclose(parts["loss"], parts["focal"] + 2 * 0.5 + 5 * 0.05, atol=1e-5)


def test_imitation_is_zero_only_for_the_teacher_itself() -> None:
    teacher, other = _maps((0.5, 0.5, 0.2, 0.2)), _maps((0.3, 0.5, 0.2, 0.4))
    same = losses.imitation_loss(teacher, teacher)
    assert all(abs(float(v)) < 1e-7 for v in same.values())
    assert all(float(v) > 1e-3 for v in losses.imitation_loss(other, teacher).values())


def test_feature_distillation_ignores_scale_and_shift_unless_it_is_raw() -> None:
    tokens = torch.randn(2, 5, 16, generator=torch.Generator().manual_seed(0))
    assert feature_loss(3 * tokens + 1, tokens) < 1e-6
    assert feature_loss(tokens.flip(0), tokens) > 0.1
    assert feature_loss(tokens.flip(0), tokens, eliminated=False) == pytest.approx(
        float(feature_loss(tokens.flip(0), tokens)), rel=1e-6
    )
    raw = feature_loss(3 * tokens + 1, tokens, normalised=False)
    torch.testing.assert_close(raw, (2 * tokens + 1).square().mean())


@pytest.mark.parametrize("normalised", [True, False])
def test_eliminated_tokens_are_not_distilled(normalised: bool) -> None:
    mine, theirs = torch.randn(2, 2, 6, 16, generator=torch.Generator().manual_seed(0))
    mine.requires_grad_()
    expected = feature_loss(mine[:, [0, 1, 4]], theirs[:, [0, 1, 4]], normalised=normalised)
    theirs[:, [2, 5]] = 0
    gone = torch.ones(6, 1).index_fill(0, torch.tensor([3]), 0)
    found = feature_loss(mine * gone, theirs, normalised=normalised)
    torch.testing.assert_close(found, expected)
    found.backward()
    assert mine.grad is not None
    assert mine.grad.abs().sum((0, 2)).gt(0).tolist() == [True, True, False, False, True, False]
    assert feature_loss(mine, torch.zeros_like(theirs), normalised=normalised) == 0
