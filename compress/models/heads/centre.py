"""OSTrack's centre head: a score, an offset and a size for every cell of the search grid."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from compress.models.heads.features import Features, conv_block

_LOW = 1e-4
_PRIOR = 0.01


class CentreHead(nn.Module):
    """Three branches of four conv3×3-BN-ReLU with `channels`, /2, /4, /8 channels and a 1×1 convolution."""

    def __init__(self, dim: int, channels: int) -> None:
        super().__init__()
        widths = [dim, channels, channels // 2, channels // 4, channels // 8]
        for branch, outputs in (("ctr", 1), ("offset", 2), ("size", 2)):
            for i in range(4):
                self.add_module(f"conv{i + 1}_{branch}", conv_block(widths[i], widths[i + 1]))
            self.add_module(f"conv5_{branch}", nn.Conv2d(widths[4], outputs, 1))
        # The focal loss starts calm when no cell claims to be the target.
        nn.init.constant_(self.get_submodule("conv5_ctr").bias, -math.log(1 / _PRIOR - 1))  # type: ignore[arg-type]

    def forward(self, features: Features) -> dict[str, Tensor]:
        """Search tokens (B, N², dim) → `score_map` (B, 1, N, N), `size_map` and `offset_map` (B, 2, N, N).

        Score and size lie in [1e-4, 1 − 1e-4], size as shares of the crop; the offset, in cells, is unbounded.
        """
        x = features.map()
        return {
            "score_map": self._branch("ctr", x).sigmoid().clamp(_LOW, 1 - _LOW),
            "size_map": self._branch("size", x).sigmoid().clamp(_LOW, 1 - _LOW),
            "offset_map": self._branch("offset", x),
        }

    def _branch(self, branch: str, x: Tensor) -> Tensor:
        for i in range(1, 6):
            x = self.get_submodule(f"conv{i}_{branch}")(x)
        return x


def decode_centre(maps: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Box at the highest score, no window: boxes (B, 4) as cx, cy, w, h in shares of the crop, and score (B,)."""
    score_map, size, offset = maps["score_map"], maps["size_map"], maps["offset_map"]
    grid = score_map.shape[-1]
    score, index = score_map.flatten(1).max(dim=1)
    at = index[:, None, None].expand(-1, 2, 1)
    w_h = size.flatten(2).gather(2, at).squeeze(2)
    dx_dy = offset.flatten(2).gather(2, at).squeeze(2)
    cell = torch.stack([index % grid, torch.div(index, grid, rounding_mode="floor")], dim=1).to(dx_dy.dtype)
    return torch.cat([(cell + dx_dy) / grid, w_h], dim=1), score
