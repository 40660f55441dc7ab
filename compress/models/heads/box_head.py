"""The box head of a spec, and boxes from the maps of any head."""

from __future__ import annotations

from torch import Tensor, nn

from compress.core import BACKBONES, TrackerSpec
from compress.models.heads.centre import CentreHead, decode_centre
from compress.models.heads.corner import CornerHead, decode_corner
from compress.models.heads.features import conv_block
from compress.models.heads.pyramid import PyramidHead
from compress.models.heads.repvgg import RepVgg
from compress.models.heads.tokens import TokensHead, decode_tokens


def create_head(spec: TrackerSpec) -> nn.Module:
    """A head that takes `Features` and returns `TrackerSpec.maps`, batched."""
    head, width = spec.head, BACKBONES[spec.backbone].head_width(spec)
    if head.kind == "tokens":
        return TokensHead(width, head.bins, score=head.score)
    if head.kind == "corner":
        return CornerHead(width, head.channels, RepVgg if head.reparam else conv_block)
    return (PyramidHead if head.kind == "pyramid" else CentreHead)(width, head.channels)


def decode(maps: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Boxes (B, 4) as cx, cy, w, h in shares of the search crop, and score (B,) in [0, 1], without a window."""
    if "prob_tl" in maps:
        return decode_corner(maps)
    return decode_tokens(maps) if "prob_l" in maps else decode_centre(maps)
