"""HiT's bridge: deep features are brought back to full resolution and added to the shallow ones (HiT, §3.3)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from compress.models.heads import Features


class Bridge(nn.Module):
    """From the last stage up, a transposed convolution with batch norm doubles the resolution and the stage joins.

    Args:
        dims: Widths of the stages, first to last.
        width: Of what comes out.
    """

    def __init__(self, dims: Sequence[int], width: int) -> None:
        super().__init__()
        first, middle, last = dims
        self.rise1 = _rise(last, middle)
        self.rise2 = _rise(middle, first)
        self.search_proj = nn.Linear(first, width)
        self.global_proj = nn.Linear(last, width)

    def forward(self, stages: Sequence[Tensor], everything: Tensor) -> Features:
        """Search tokens (B, N², ·) at the end of each stage, and the last stage's tokens with the template's.

        Returns:
            Search tokens (B, N², width) and, as the one extra token, the global vector: the mean of `everything`.
        """
        first, middle, last = map(_as_map, stages)
        x = F.relu(self.rise1(last) + middle)
        x = self.rise2(x) + first
        return Features(self.search_proj(x.flatten(2).transpose(1, 2)), self.global_proj(everything.mean(1, True)))

    def attended(self, features: Features) -> Features:
        """Every search token times its product with the global vector, plain: neither softmax nor scale."""
        assert features.extra is not None
        return features._replace(search=features.search * (features.search @ features.extra.transpose(1, 2)))


def _rise(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.ConvTranspose2d(inputs, outputs, 2, stride=2), nn.BatchNorm2d(outputs))


def _as_map(tokens: Tensor) -> Tensor:
    """(B, n², width) → (B, width, n, n)."""
    batch, count, width = tokens.shape
    side = math.isqrt(count)
    return tokens.transpose(1, 2).reshape(batch, width, side, side)
