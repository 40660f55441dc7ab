"""OSTrack's checkpoints (https://github.com/botaoye/OSTrack): this package's own layout, and two tables unused."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from compress.core import TrackerSpec
from compress.models.checkpoints.layouts.layout import LAYOUTS, Layout

UNUSED = ("backbone.cls_token", "backbone.pos_embed")
"""Kept from ImageNet pre-training; the forward reads `pos_embed_z` and `pos_embed_x` in their place."""


def recognises(state: Mapping[str, Tensor]) -> bool:
    """Whether a state dict holds OSTrack's unused tables beside its own, and no layer scales (LiteTrack).

    MixViT has other names for the tables.
    """
    own = "backbone.pos_embed_z" in state and any(key in state for key in UNUSED)
    return own and not any(key.endswith(".gamma_1") for key in state)


def adapt(state: dict[str, Tensor], spec: TrackerSpec) -> dict[str, Tensor]:
    """The state dict without what the forward never reads."""
    return {key: value for key, value in state.items() if key not in UNUSED}


_FILES = {
    "ostrack256": "vitb_256_mae_32x4_ep300/OSTrack_ep0300.pth.tar",
    "ostrack256-ce": "vitb_256_mae_ce_32x4_ep300/OSTrack_ep0300.pth.tar",
    "ostrack384-ce": "vitb_384_mae_ce_32x4_ep300/OSTrack_ep0300.pth.tar",
}
LAYOUTS.register("OSTrack", Layout("OSTrack", "https://github.com/botaoye/OSTrack", _FILES, recognises, adapt))
