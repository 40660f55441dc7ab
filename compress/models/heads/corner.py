"""The corner head of STARK, HiT and DyTrack: a probability for each corner of the box over the search grid."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from compress.models.features import Features
from compress.models.heads.centre import conv_block


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
