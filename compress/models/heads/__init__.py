"""Box heads: from a backbone's features to maps, and from maps to boxes."""

from __future__ import annotations

from torch import Tensor, nn

from compress.core import TrackerSpec
from compress.models.heads.centre import CentreHead, conv_block, decode_centre
from compress.models.heads.corner import CornerHead
from compress.models.heads.corner_decode import decode_corner
from compress.models.heads.pyramid import PyramidHead
from compress.models.heads.repvgg import RepVgg
from compress.models.heads.tokens import TokensHead, decode_tokens

__all__ = ["create_head", "decode"]


def create_head(spec: TrackerSpec) -> nn.Module:
    """A head that takes `Features` and returns `TrackerSpec.maps`, batched."""
    head = spec.head
    if head.kind == "tokens":
        return TokensHead(spec.dim, head.bins, score=head.score)
    if head.kind == "corner":
        # HiT's bridge already hands over as many channels as the first convolution has.
        width = head.channels if spec.backbone == "levit" else spec.dim
        return CornerHead(width, head.channels, RepVgg if head.reparam else conv_block)
    return (PyramidHead if head.kind == "pyramid" else CentreHead)(spec.dim, head.channels)


def decode(maps: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Boxes (B, 4) as cx, cy, w, h in shares of the search crop, and score (B,) in [0, 1], without a window."""
    if "prob_tl" in maps:
        return decode_corner(maps)
    return decode_tokens(maps) if "prob_l" in maps else decode_centre(maps)
