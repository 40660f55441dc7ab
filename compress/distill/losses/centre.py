"""Losses of the centre head (OSTrack, LiteTrack): focal on the score map, 2·GIoU + 5·L1 on boxes; and imitation."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from compress.distill.losses.boxes import corners, giou
from compress.distill.parallel import counted_mean
from compress.distill.trainer_settings import PUBLISHED, LossWeights

Cell = Literal["ostrack", "litetrack"]
"""Which cell holds the peak: OSTrack rounds c·N, LiteTrack rounds c·N − 0.5 (so no centre falls off the map)."""

MIN_OVERLAP = 0.7


def heat_map(boxes: Tensor, grid: int, *, cell: Cell = "litetrack") -> Tensor:
    """CornerNet's Gaussian targets.

    Args:
        boxes: (B, 4) cx, cy, w, h in shares of the search crop.
        grid: Cells on a side, N.

    Returns:
        (B, 1, N, N), 1 at the peak, unless the peak lies off the map (OSTrack's rounding only).
    """
    shift = 0.0 if cell == "ostrack" else 0.5
    peak = torch.round(boxes[:, :2] * grid - shift)
    radius = gaussian_radius(boxes[:, 2:] * grid)[:, None, None]
    axis = torch.arange(grid, device=boxes.device, dtype=boxes.dtype)
    dx, dy = axis[None, None, :] - peak[:, 0, None, None], axis[None, :, None] - peak[:, 1, None, None]
    sigma = (2 * radius + 1) / 6
    values = torch.exp(-(dx**2 + dy**2) / (2 * sigma**2))
    near = (dx.abs() <= radius) & (dy.abs() <= radius)
    return torch.where(near, values, torch.zeros_like(values)).unsqueeze(1)


def gaussian_radius(sizes: Tensor) -> Tensor:
    """(B,) whole radii for (B, 2) sizes, both in cells: CornerNet's formula as published, without the 2a division."""
    w, h = sizes.unbind(1)
    o = MIN_OVERLAP
    first = ((h + w) + torch.sqrt((h + w) ** 2 - 4 * w * h * (1 - o) / (1 + o))) / 2
    second = (2 * (h + w) + torch.sqrt(4 * (h + w) ** 2 - 16 * (1 - o) * w * h)) / 2
    third = (-2 * o * (h + w) + torch.sqrt(4 * o**2 * (h + w) ** 2 + 16 * o * (1 - o) * w * h)) / 2
    return torch.minimum(torch.minimum(first, second), third).clamp_min(0).floor()


def focal_loss(score: Tensor, target: Tensor, *, eps: float = 1e-12) -> Tensor:
    """CornerNet's focal loss (alpha 2, beta 4), summed and divided by the number of peaks, where there are any.

    A centre off the map has none, so peaks are counted over all processes, see `counted_mean`.
    `score` and `target` are (B, 1, N, N). OSTrack clamps at 1e-12; LiteTrack clamps p and 1 − p at 1e-7.
    """
    p = score.clamp_min(eps)
    q = (1 - score).clamp_min(eps)
    positive = target.eq(1)
    gain = torch.where(positive, torch.log(p) * q**2, torch.log(q) * p**2 * (1 - target) ** 4)
    return counted_mean(-gain.sum(), positive.sum())


def cell_boxes(maps: dict[str, Tensor]) -> Tensor:
    """(B, N², 4) cx, cy, w, h that every cell of the maps speaks for."""
    size, offset = maps["size_map"].flatten(2), maps["offset_map"].flatten(2)
    grid = maps["size_map"].shape[-1]
    index = torch.arange(grid * grid, device=size.device)
    cells = torch.stack([index % grid, index // grid]).to(size.dtype)
    return torch.cat([(cells + offset) / grid, size], dim=1).transpose(1, 2)


def ground_truth(maps: dict[str, Tensor], boxes: Tensor, weights: LossWeights = PUBLISHED) -> dict[str, Tensor]:
    """focal + 2·GIoU + 5·L1, or as `weights` has it, with its parts, and the mean `iou` at the predicted peak.

    Boxes are regressed at every cell under the target's Gaussian, weighted by it, not only at the predicted peak as
    published: from random weights the predicted peak is nowhere near the target, and a window may move it by a cell.
    """
    target = heat_map(boxes, maps["score_map"].shape[-1])
    truth = corners(boxes).clamp(0, 1).unsqueeze(1)
    predicted = corners(cell_boxes(maps))
    weight = target.flatten(1) / target.sum((1, 2, 3)).clamp_min(1e-6)[:, None]
    overlap, _ = giou(predicted, truth)
    parts = {
        "focal": focal_loss(maps["score_map"], target, eps=1e-7),
        "giou": ((1 - overlap) * weight).sum(1).mean(),
        "l1": ((predicted - truth).abs().mean(-1) * weight).sum(1).mean(),
    }
    peak = maps["score_map"].flatten(1).argmax(1)
    _, iou = giou(predicted[torch.arange(len(peak)), peak], truth[:, 0])
    loss = weights.score * parts["focal"] + weights.iou * parts["giou"] + weights.l1 * parts["l1"]
    return {"loss": loss, **parts, "iou": iou.mean()}


def imitation(maps: dict[str, Tensor], teacher: dict[str, Tensor]) -> dict[str, Tensor]:
    """Score and box imitation of the teacher's maps.

    `imitate_score`: Kullback-Leibler divergence of the cells' scores from the teacher's, each taken as a probability;
    0 is perfect imitation. `imitate_box`: L1 between the cells' boxes, weighted by the teacher's score.
    """
    p, q = maps["score_map"].clamp(1e-4, 1 - 1e-4), teacher["score_map"].clamp(1e-4, 1 - 1e-4)
    score = (q * torch.log(q / p) + (1 - q) * torch.log((1 - q) / (1 - p))).mean()
    weight = teacher["score_map"].flatten(1)
    weight = weight / weight.sum(1, keepdim=True)
    box = ((cell_boxes(maps) - cell_boxes(teacher)).abs().mean(-1) * weight).sum(1).mean()
    return {"imitate_score": score, "imitate_box": box}
