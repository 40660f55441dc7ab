"""What a backbone hands to a head."""

from __future__ import annotations

import math
from typing import NamedTuple

from torch import Tensor


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
