"""Losses of what is decided per frame: bypass (ABTrack, §3.2) and early exits (DyTrack, §III-C and D)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from compress.core import BypassSpec
from compress.distill.losses import ground_truth_loss
from compress.distill.losses.boxes import corners, giou
from compress.distill.parallel import Ranks
from compress.distill.trainer_settings import PUBLISHED, LossWeights
from compress.models import TrackerOutput

SPARSITY, SCORE, IMITATION = 5.0, 5.0, 10.0
"""Published weights: γ of ABTrack (Eq. 8), λ_s and λ_m of DyTrack (Eq. 6)."""


@torch.no_grad()
def difficulty(predicted: Tensor, boxes: Tensor) -> Tensor:
    """GIoU loss (B,) of each frame's predicted box; both (B, 4) cx, cy, w, h in shares of the search crop."""
    likeness, _ = giou(corners(predicted), corners(boxes).clamp(0, 1))
    return 1 - likeness


def sparsity_target(difficulty: Tensor, bypass: BypassSpec) -> Tensor:
    """The share τ (B,) of its decisions that each frame should skip: clip(τ0 + ζ·(L − mean L), 0, 1) (Eq. 2).

    With ζ below 0, see `BypassSpec`, frames that are harder than the batch's average, which is over all processes, skip
    less.
    """
    return (bypass.tau0 + bypass.zeta * (difficulty - Ranks.current().mean(difficulty.mean()))).clamp(0, 1)


def sparsity_loss(probabilities: Tensor, skipped: Tensor, difficulty: Tensor, bypass: BypassSpec) -> Tensor:
    """The batch's mean of |share skipped − τ| over all skippable layers (Eq. 2); its gradient is that of the mean p.

    With the mean p itself, as printed, p = τ0 everywhere would satisfy it, and below ρ skip nothing.

    Args:
        probabilities: (B, S) of skipping.
        skipped: (B, S) whether the layer was.
    """
    share = skipped.to(probabilities.dtype) + probabilities - probabilities.detach()
    return (share.mean(1) - sparsity_target(difficulty, bypass)).abs().mean()


def exits_parts(
    answers: Sequence[TrackerOutput],
    features: Sequence[Tensor],
    boxes: Tensor,
    attentions: Iterable[nn.Module],
    weights: LossWeights = PUBLISHED,
) -> dict[str, Tensor]:
    """All exits together (Eq. 6): `loss` of location, `exits_iou`, `exits_imitation`, and the `iou` of each exit.

    Location is each head's published loss (of a corner head 2·GIoU + 5·L1, Eq. 5), `exits_iou` the squared error of
    the predicted IoU; both are summed over the exits, which the paper leaves open.

    Args:
        answers, features: Of each exit about the whole batch, the last exit last, see `Decisions`.
        boxes: (B, 4) cx, cy, w, h in shares of the search crop.
        attentions: An `ImitationAttention` for every exit but the last.
        weights: Of the parts of the location loss.
    """
    truth = corners(boxes).clamp(0, 1)
    located = [ground_truth_loss(each.maps, boxes, weights)["loss"] for each in answers]
    overlaps = [giou(corners(each.boxes.detach().float()), truth)[1] for each in answers]
    missed = [F.mse_loss(each.score.float(), iou) for each, iou in zip(answers, overlaps, strict=True)]
    parts = {"loss": torch.stack(located).sum(), "exits_iou": torch.stack(missed).sum()}
    if len(answers) > 1:
        parts["exits_imitation"] = self_imitation_loss(features, attentions)
    return parts | {f"iou{k}": iou.mean() for k, iou in enumerate(overlaps[:-1])} | {"iou": overlaps[-1].mean()}


def self_imitation_loss(features: Sequence[Tensor], attentions: Iterable[nn.Module]) -> Tensor:
    """Mean over the earlier exits of 1 − cos(f'ₖ, f_K) (Eq. 3 and 4), over whole (B, N, d) features of each frame.

    f'ₖ is re-weighted as the last exit's features, which get no gradient, have it.
    """
    *early, last = (each.float() for each in features)
    last = last.detach()
    weighted = [attention(each, last) for each, attention in zip(early, attentions, strict=True)]
    similar = [F.cosine_similarity(each.flatten(1), last.flatten(1), dim=1).mean() for each in weighted]
    return 1 - torch.stack(similar).mean()


class ImitationAttention(nn.Module):
    """Re-weights an early exit's features by where and in which channels the last exit's respond (DyTrack, Figure 6).

    Spatial attention is a 1×1 convolution of f_K. Channel attention is a linear projection of f_K pooled over the
    positions with a softmax per channel. Both pass a sigmoid, and are even at first. Needed in training only.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.spatial = nn.Conv1d(dim, 1, 1)
        self.channel = nn.Linear(dim, dim)
        for layer in (self.spatial, self.channel):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, features: Tensor, last: Tensor) -> Tensor:
        """(B, N, d), and the last exit's (B, N, d) → (B, N, d)."""
        where = self.spatial(last.transpose(1, 2)).sigmoid().transpose(1, 2)
        pooled = (last.softmax(1) * last).sum(1, keepdim=True)
        weighted: Tensor = features * where * self.channel(pooled).sigmoid()
        return weighted
