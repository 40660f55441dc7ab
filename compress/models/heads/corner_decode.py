"""From distributions over coordinates to boxes: what corner, pyramid and token heads have in common."""

from __future__ import annotations

import torch
from torch import Tensor


def decode_corner(maps: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Box between the expected corners: boxes (B, 4) as cx, cy, w, h in shares of the crop, and score (B,).

    `prob_tl` and `prob_br` (B, n, n) add up to one over [row, column]; the score is the mean of their peaks. Nothing
    keeps the right corner right of the left one, so a width or a height may be negative (STARK, MixViT, HiT).
    """
    corners = (maps["prob_tl"], maps["prob_br"])
    sides = [expected(prob.sum(axis)) for prob in corners for axis in (1, 2)]
    peaks = torch.stack([prob.flatten(1).amax(1) for prob in corners], dim=1)
    return box_between(torch.stack(sides, dim=1)), peaks.mean(1)


def expected(prob: Tensor) -> Tensor:
    """(…, n) distributions over n coordinates → (…) expected coordinate in shares of the crop, i / n for the ith."""
    n = prob.shape[-1]
    return (prob * (torch.arange(n, dtype=prob.dtype, device=prob.device) / n)).sum(-1)


def box_between(sides: Tensor) -> Tensor:
    """(B, 4) left, top, right, bottom → cx, cy, w, h."""
    left_top, right_bottom = sides[:, :2], sides[:, 2:]
    return torch.cat([(left_top + right_bottom) / 2, right_bottom - left_top], dim=1)
