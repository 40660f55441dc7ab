"""Checkpoints of MixFormerV2 (https://github.com/MCG-NJU/MixFormerV2) and MixViT (MCG-NJU/MixFormer)."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from compress.core import TrackerSpec
from compress.models.checkpoints.layouts.layout import LAYOUTS, Layout, weight

_RENAMED = {
    "backbone.pos_embed_t": "backbone.pos_embed_z",
    "backbone.pos_embed_s": "backbone.pos_embed_x",
    "score_head.layers": "box_head.score",
}
_UNUSED = ("backbone.cls_token", "backbone.pos_embed", "backbone.norm", "backbone.head")
"""Kept by MixViT from ImageNet pre-training; its forward never reads them."""


def recognises_v2(state: Mapping[str, Tensor]) -> bool:
    """Whether a state dict names its position tables as these projects do, and has prediction tokens."""
    return "backbone.pos_embed_s" in state and "backbone.reg_tokens" in state


def recognises_vit(state: Mapping[str, Tensor]) -> bool:
    """Whether a state dict names its position tables as these projects do, without prediction tokens."""
    return "backbone.pos_embed_s" in state and "backbone.reg_tokens" not in state


def adapt(state: dict[str, Tensor], spec: TrackerSpec) -> dict[str, Tensor]:
    """The state dict in this package's layout, without what the forward never reads.

    A prediction token and its position are only ever added, so they become one tensor. MixViT's score branch, which
    regresses nothing, is left out, as its authors do where MixViT teaches.

    Raises:
        KeyError: prediction tokens without their positions.
        ValueError: either is not of floating point, or they have two shapes.
    """
    used = {key: value for key, value in state.items() if not _starts(key, _UNUSED)}
    if spec.head.kind == "pyramid":
        used = {key: value for key, value in used.items() if _starts(key, ("backbone", "box_head"))}
    if "backbone.reg_tokens" in used:
        tokens = weight(used, "backbone.reg_tokens")
        places = weight(used, "backbone.pos_embed_reg", tuple(tokens.shape))
        used["backbone.extra_tokens"] = tokens + places
        del used["backbone.reg_tokens"], used["backbone.pos_embed_reg"]
    return {_renamed(key): value for key, value in used.items()}


def _renamed(key: str) -> str:
    start = next((start for start in _RENAMED if _starts(key, (start,))), "")
    return _RENAMED.get(start, "") + key.removeprefix(start)


def _starts(key: str, prefixes: tuple[str, ...]) -> bool:
    """Whether `key` is one of `prefixes`, or under one."""
    return any(f"{key}.".startswith(f"{prefix}.") for prefix in prefixes)


_V2_FILES = {
    "mixformerv2-b": "mixformerv2_base.pth.tar",
    "mixformerv2-s": "mixformerv2_small.pth.tar",
    "mixformerv2-b-student": "mixformer2_vit_stu/student_288_depth8/MixFormer_ep0500.pth.tar",
    "mixformerv2-depth12": "mixformer2_vit/student_288_depth12/MixFormer_ep0500.pth.tar",
}
_HUB = "https://github.com/MCG-NJU/"
LAYOUTS.register("MixFormerV2", Layout("MixFormerV2", f"{_HUB}MixFormerV2", _V2_FILES, recognises_v2, adapt))
_VIT_FILES = {"mixvit-b": "mixformer_vit_base_online.pth.tar"}
LAYOUTS.register("MixViT", Layout("MixViT", f"{_HUB}MixFormer", _VIT_FILES, recognises_vit, adapt))
