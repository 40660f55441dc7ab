"""OSTrack's checkpoints (https://github.com/botaoye/OSTrack): this package's own layout, and two tables unused."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from compress.core import TrackerSpec

UNUSED = ("backbone.cls_token", "backbone.pos_embed")
"""Kept from ImageNet pre-training; the forward reads `pos_embed_z` and `pos_embed_x` in their place."""


def recognises(state: Mapping[str, Tensor]) -> bool:
    """Whether a state dict holds OSTrack's unused tables beside its own (MixViT's has other names for those)."""
    return "backbone.pos_embed_z" in state and any(key in state for key in UNUSED)


def adapt(state: dict[str, Tensor], spec: TrackerSpec) -> dict[str, Tensor]:
    """The state dict without what the forward never reads."""
    return {key: value for key, value in state.items() if key not in UNUSED}
