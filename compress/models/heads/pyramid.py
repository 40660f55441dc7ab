"""MixViT's pyramid corner head: a probability for each corner of the box at four times the feature resolution."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from compress.models.heads.features import Features, conv_block


class PyramidHead(nn.Module):
    """Per corner a tower of four conv3×3-BN-ReLU and a 1×1 convolution, its resolution doubled twice.

    The features join the tower after each doubling, and the tower's two coarser levels join its scores. Keys are
    MixViT's: `conv1`…`conv5` are the tower, `adjust1` and `adjust2` bring in features, `adjust3` and `adjust4` scores.
    """

    def __init__(self, dim: int, channels: int) -> None:
        super().__init__()
        for corner in ("tl", "br"):
            for name, module in _tower(dim, channels).items():
                self.add_module(f"{name}_{corner}", module)

    def forward(self, features: Features) -> dict[str, Tensor]:
        """Search tokens (B, N², dim) → `prob_tl` and `prob_br` (B, 4N, 4N), each adding up to one."""
        x = features.map()
        scores = {corner: self._scores(corner, x) for corner in ("tl", "br")}
        return {f"prob_{corner}": s.flatten(1).softmax(1).view_as(s) for corner, s in scores.items()}

    def _scores(self, corner: str, x: Tensor) -> Tensor:
        """(B, dim, N, N) → (B, 4N, 4N)."""

        def part(name: str, value: Tensor) -> Tensor:
            out: Tensor = self.get_submodule(f"{name}_{corner}")(value)
            return out

        coarse = part("conv2", part("conv1", x))
        middle = part("conv3", _doubled(coarse + part("adjust1", x)))
        fine = part("conv4", _doubled(middle + _doubled(part("adjust2", x))))
        below = _doubled(part("adjust3", coarse)) + part("adjust4", middle)
        return (part("conv5", fine) + _doubled(below)).squeeze(1)


def _tower(dim: int, channels: int) -> dict[str, nn.Module]:
    c1, c2, c4, c8 = channels, channels // 2, channels // 4, channels // 8
    return {
        "conv1": conv_block(dim, c1),
        "conv2": conv_block(c1, c2),
        "conv3": conv_block(c2, c4),
        "conv4": conv_block(c4, c8),
        "conv5": nn.Conv2d(c8, 1, 1),
        "adjust1": conv_block(dim, c2),
        "adjust2": conv_block(dim, c4),
        "adjust3": nn.Sequential(conv_block(c2, c4), conv_block(c4, c8), conv_block(c8, 1)),
        "adjust4": nn.Sequential(conv_block(c4, c8), conv_block(c8, 1)),
    }


def _doubled(x: Tensor) -> Tensor:
    """Every cell four times."""
    return F.interpolate(x, scale_factor=2.0, mode="nearest")
