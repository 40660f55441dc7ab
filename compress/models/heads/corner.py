"""The corner head of STARK, HiT and DyTrack: a probability for each corner of the box over the search grid."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from compress.models.heads.features import Features, conv_block


class CornerHead(nn.Module):
    """Two towers of four 3×3 blocks with `channels`, /2, /4, /8 channels and a 1×1 convolution; keys are STARK's.

    Args:
        width: Of the search tokens.
        block: Makes one block from its input and output channels.
    """

    def __init__(self, width: int, channels: int, block: Callable[[int, int], nn.Module] = conv_block) -> None:
        super().__init__()
        widths = [width, channels, channels // 2, channels // 4, channels // 8]
        for corner in ("tl", "br"):
            for i in range(4):
                self.add_module(f"conv{i + 1}_{corner}", block(widths[i], widths[i + 1]))
            self.add_module(f"conv5_{corner}", nn.Conv2d(widths[4], 1, 1))

    def forward(self, features: Features) -> dict[str, Tensor]:
        """Search tokens (B, N², width) → `prob_tl` and `prob_br` (B, N, N), each adding up to one."""
        x = features.map()
        return {f"prob_{corner}": self._probabilities(corner, x) for corner in ("tl", "br")}

    def _probabilities(self, corner: str, x: Tensor) -> Tensor:
        for i in range(1, 6):
            x = self.get_submodule(f"conv{i}_{corner}")(x)
        return x.flatten(1).softmax(1).view(-1, *x.shape[2:])


def decode_corner(maps: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Box between the expected corners: boxes (B, 4) as cx, cy, w, h in shares of the crop, and score (B,).

    `prob_tl` and `prob_br` (B, n, n) add up to one over [row, column]; the score is the mean of their peaks. Nothing
    keeps the right corner right of the left one, so a width or a height may be negative (STARK, MixViT, HiT).
    """
    corners = (maps["prob_tl"], maps["prob_br"])
    sides = [expected_coordinate(prob.sum(axis)) for prob in corners for axis in (1, 2)]
    peaks = torch.stack([prob.flatten(1).amax(1) for prob in corners], dim=1)
    return box_between(torch.stack(sides, dim=1)), peaks.mean(1)


def expected_coordinate(prob: Tensor) -> Tensor:
    """(…, n) distributions over n coordinates → (…) expected coordinate in shares of the crop, i / n for the ith."""
    n = prob.shape[-1]
    return (prob * (torch.arange(n, dtype=prob.dtype, device=prob.device) / n)).sum(-1)


def box_between(sides: Tensor) -> Tensor:
    """(B, 4) left, top, right, bottom → cx, cy, w, h."""
    left_top, right_bottom = sides[:, :2], sides[:, 2:]
    return torch.cat([(left_top + right_bottom) / 2, right_bottom - left_top], dim=1)
