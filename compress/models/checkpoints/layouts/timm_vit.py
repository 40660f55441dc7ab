"""timm's plain ViT and DeiT (https://github.com/huggingface/pytorch-image-models), for ImageNet weights."""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor

from compress.core import TrackerSpec
from compress.models.checkpoints.layouts.layout import TIMM_LAYOUTS, TimmLayout, weight
from compress.models.checkpoints.layouts.litetrack import scale_rows
from compress.models.vit.backbone import resized_positions

_HEAD_DIM = {1280: 80, 1408: 88, 1664: 104}
"""Width of a head by width of the ViT (huge, giant, gigantic); all others have heads of 64."""

_BLOCK = (
    *("norm1.weight", "norm1.bias", "attn.qkv.weight", "attn.qkv.bias", "attn.proj.weight", "attn.proj.bias"),
    *("norm2.weight", "norm2.bias", "mlp.fc1.weight", "mlp.fc1.bias", "mlp.fc2.weight", "mlp.fc2.bias"),
)
_SCALES = {"ls1.gamma": "attn.proj", "ls2.gamma": "mlp.fc2"}
"""Layer scale of DeiT III, and the linear layer it is folded into."""


def vit_from_timm(state: Mapping[str, Tensor], spec: TrackerSpec) -> dict[str, Tensor]:
    """The keys under `backbone.` of `spec`'s state dict, from timm's ViT or DeiT.

    Layer i comes from timm's block `spec.layers[i].source`. Position tables are resized as OSTrack does, bicubically
    from the patches' own grid; fixed ones stay. Class, distillation and register tokens and the classifier are left
    out, and so is the final norm where the tracker has none.

    Raises:
        KeyError: a tensor or a block is missing.
        ValueError: another width, patch or kind of block than the tracker's.
    """
    _check(state, spec)
    ours = {f"backbone.patch_embed.proj.{kind}": state[f"patch_embed.proj.{kind}"] for kind in ("weight", "bias")}
    for i, layer in enumerate(spec.layers):
        ours |= {f"backbone.blocks.{i}.{key}": value for key, value in _block(state, layer.source).items()}
    if spec.position == "learned":
        ours["backbone.pos_embed_z"] = _resized(weight(state, "pos_embed"), math.isqrt(spec.template_patches))
        ours["backbone.pos_embed_x"] = _resized(weight(state, "pos_embed"), spec.grid)
    if spec.final_norm and not spec.exits and "norm.weight" in state:
        ours |= {f"backbone.norm.{kind}": state[f"norm.{kind}"] for kind in ("weight", "bias")}
    return ours


def _check(state: Mapping[str, Tensor], spec: TrackerSpec) -> None:
    if "patch_embed.proj.weight" not in state or "blocks.0.norm1.weight" not in state:
        raise ValueError("it is no ViT of timm's")
    dim, _, patch, _ = state["patch_embed.proj.weight"].shape
    if (dim, patch) != (spec.dim, spec.patch):
        raise ValueError(f"it is {dim} wide with patches of {patch}, and the tracker {spec.dim} with {spec.patch}")
    heads = dim // _HEAD_DIM.get(dim, 64)
    if heads != spec.heads:
        raise ValueError(f"a ViT of width {dim} has {heads} heads and the tracker has {spec.heads}")


def _block(state: Mapping[str, Tensor], source: int) -> dict[str, Tensor]:
    prefix = f"blocks.{source}."
    tensors = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    if not tensors:
        raise KeyError(f"layer {source} is wanted, but timm's model holds {_depth(state)}")
    strange = sorted(tensors.keys() - {*_BLOCK, *_SCALES})
    if strange:
        raise ValueError(f"its blocks hold {', '.join(strange)}, which the tracker's have no place for")
    block = {key: tensors[key] for key in _BLOCK}
    for scale, linear in _SCALES.items():
        if scale in tensors:
            scale_rows(block, linear, scale, tensors)
    return block


def _depth(state: Mapping[str, Tensor]) -> int:
    return len({key.split(".")[1] for key in state if key.startswith("blocks.")})


def _resized(table: Tensor, side: int) -> Tensor:
    """(1, tokens + patches, dim) → (1, side², dim), without what belongs to tokens in front of the patches."""
    old = math.isqrt(table.shape[1])
    return resized_positions(table[:, table.shape[1] - old**2 :].float(), side)


TIMM_LAYOUTS.register(
    "vit",
    TimmLayout(vit_from_timm, ("backbone.patch_embed.", "backbone.blocks."), pixels="backbone.patch_embed.proj"),
)
