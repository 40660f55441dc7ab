"""`Features`, the input of every box head, and the convolutional block that most heads are made of."""

from __future__ import annotations

import math
from typing import NamedTuple

from torch import Tensor, nn


class Features(NamedTuple):
    """Tokens of one batch of search crops.

    Attributes:
        search: (B, N², width), row by row.
        extra: (B, E, width) tokens beside the search crop: a ViT's learned ones in the order of
            `TrackerSpec.extra_tokens`, HiT's global vector; None where there are none.
    """

    search: Tensor
    extra: Tensor | None = None

    def map(self) -> Tensor:
        """The search tokens as (B, width, N, N)."""
        batch, tokens, width = self.search.shape
        side = math.isqrt(tokens)
        return self.search.transpose(1, 2).reshape(batch, width, side, side)


def conv_block(inputs: int, outputs: int) -> nn.Sequential:
    """conv3×3, batch norm, ReLU."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))
