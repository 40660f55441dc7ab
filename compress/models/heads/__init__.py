"""Box heads: from a backbone's features to maps, and from maps to boxes."""

from __future__ import annotations

from torch import Tensor, nn

from compress.core import TrackerSpec
from compress.models.heads.centre import CentreHead, decode_centre

__all__ = ["create_head", "decode"]


def create_head(spec: TrackerSpec) -> nn.Module:
    """A head that takes `Features` and returns `TrackerSpec.maps`, batched."""
    return CentreHead(spec.dim, spec.head.channels)


def decode(maps: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Boxes (B, 4) as cx, cy, w, h in shares of the search crop, and score (B,) in [0, 1], without a window."""
    return decode_centre(maps)
