"""Losses of heads that spread corners (STARK, HiT, MixViT) or sides (MixFormerV2) of the box over coordinates."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from compress.distill.losses.boxes import ciou, corners, giou
from compress.distill.trainer_settings import PUBLISHED, LossWeights
from compress.models.heads import decode

CORNERS = ("prob_tl", "prob_br")
SIDES = ("prob_l", "prob_t", "prob_r", "prob_b")


def ground_truth(maps: dict[str, Tensor], boxes: Tensor, weights: LossWeights = PUBLISHED) -> dict[str, Tensor]:
    """2·GIoU (corner maps; HiT, MixViT) or 2·CIoU (side maps; MixFormerV2) + 5·L1 of the expected box.

    The weights are these, or as `weights` has them.

    The score head is left out: it takes pairs without the target to train it.

    Args:
        boxes: (B, 4) cx, cy, w, h in shares of the search crop.
    """
    truth = corners(boxes).clamp(0, 1)
    predicted = corners(decode(maps)[0])
    name, overlap = ("giou", giou) if CORNERS[0] in maps else ("ciou", ciou)
    likeness, iou = overlap(predicted, truth)
    parts = {name: (1 - likeness).mean(), "l1": (predicted - truth).abs().mean()}
    return {"loss": weights.iou * parts[name] + weights.l1 * parts["l1"], **parts, "iou": iou.mean()}


def imitation(maps: dict[str, Tensor], teacher: dict[str, Tensor]) -> dict[str, Tensor]:
    """`imitate_distribution`: mean over the corners or sides of the divergence from the teacher's, 0 for equal ones.

    Sides may imitate a teacher's corners, of which they take the marginals (MixFormerV2, §3.2.1). A score head's
    logit imitates the teacher's: `imitate_presence`, also a divergence.
    """
    names = CORNERS if CORNERS[0] in maps else SIDES
    wanted = marginals(teacher) if names == SIDES and CORNERS[0] in teacher else teacher
    each = [kl_divergence(maps[name], wanted[name]) for name in names]
    parts = {"imitate_distribution": torch.stack(each).mean()}
    if "pred_scores" in maps:
        parts["imitate_presence"] = _presence(maps["pred_scores"], teacher["pred_scores"])
    return parts


def marginals(maps: dict[str, Tensor]) -> dict[str, Tensor]:
    """Distributions of the four sides, (B, n), from those of two corners, (B, n, n) by row and column."""
    top_left, bottom_right = (maps[name] for name in CORNERS)
    return dict(zip(SIDES, (top_left.sum(1), top_left.sum(2), bottom_right.sum(1), bottom_right.sum(2)), strict=True))


def kl_divergence(prob: Tensor, teacher: Tensor) -> Tensor:
    """Kullback-Leibler divergence of distributions (B, …) from the teacher's; the batch's mean."""
    log = prob.clamp_min(torch.finfo(prob.dtype).tiny).log()
    return F.kl_div(log, teacher, reduction="batchmean")


def _presence(logit: Tensor, teacher: Tensor) -> Tensor:
    probability = teacher.sigmoid()
    entropy = F.binary_cross_entropy_with_logits(teacher, probability)
    return F.binary_cross_entropy_with_logits(logit, probability) - entropy
