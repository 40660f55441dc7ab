"""Variants of a teacher's layers, attention and MLP apart: how they are cut, and how students are put together of them.

A layer of a student is one variant of the attention and one of the MLP of a teacher's layer, so that m + n variants
make m · n layers (Puzzle, Bercovich et al., ICML 2025).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch

from compress.core import Attention, LayerSpec, TrackerSpec, UsageError
from compress.models import Tracker
from compress.surgery.block import State
from compress.surgery.importance import InputStatistics
from compress.surgery.inherit import inherit
from compress.surgery.vit import cut_block


@dataclass(frozen=True)
class AttentionVariant:
    """The attention of the teacher's layer `source` with the norm in front of it; fields as of `LayerSpec`."""

    source: int
    attention: Attention
    dims: int | None = None
    heads: int | None = None

    names = ("norm1.", "attn.")


@dataclass(frozen=True)
class MlpVariant:
    """Its MLP with the norm in front of it."""

    source: int
    hidden: int
    dims: int | None = None

    names = ("norm2.", "mlp.")


@dataclass(frozen=True)
class Skip:
    """Nothing in the place of the whole layer."""

    source: int

    names = ()


Variant = AttentionVariant | MlpVariant | Skip


def variants_of(layer: LayerSpec) -> tuple[AttentionVariant, MlpVariant]:
    """The two that a layer consists of."""
    attention = AttentionVariant(layer.source, layer.attention, layer.attn_dims, layer.heads)
    return attention, MlpVariant(layer.source, layer.mlp_hidden, layer.mlp_dims)


def own_variants(teacher: TrackerSpec, source: int) -> tuple[AttentionVariant, MlpVariant]:
    """The two that a teacher's layer consists of as it is."""
    return variants_of(replace(teacher.layers[source], source=source))


def layer_of(teacher: TrackerSpec, attention: AttentionVariant, mlp: MlpVariant) -> LayerSpec:
    """The layer that two variants make; of joint attention it eliminates candidates where the teacher's does."""
    return replace(
        teacher.layers[attention.source],
        source=attention.source,
        attention=attention.attention,
        attn_dims=attention.dims,
        heads=attention.heads,
        mlp_hidden=mlp.hidden,
        mlp_dims=mlp.dims,
        keep=teacher.layers[attention.source].keep if attention.attention == "joint" else None,
    )


def check_layers(teacher: TrackerSpec) -> None:
    """Raise UsageError where the layers of a teacher cannot be varied one by one."""
    shapes = len(teacher.group_ends)
    if shapes > 1 or teacher.bypass is not None or teacher.exits:
        what = f"a {teacher.backbone} of layers unlike each other" if shapes > 1 else "a tracker with bypass or exits"
        raise UsageError(
            "Variants of single layers are made of plain vision transformers that do the same for every frame, but "
            f"this teacher is {what}. Take another teacher, or another strategy."
        )


@torch.no_grad()
def cut_variant(
    teacher: Tracker, variant: Variant, observed: Mapping[str, InputStatistics], *, leading: bool = False
) -> State:
    """The tensors of a variant as surgery leaves them, by the names that a block gives them; they are copies.

    Args:
        observed: What the teacher's linear layers took in, see `observe`.
        leading: Keep the first hidden units instead of the most important ones.
    """
    if isinstance(variant, Skip):
        return {}
    layer = replace(teacher.spec.layers[variant.source], source=variant.source, keep=None)
    if isinstance(variant, AttentionVariant):
        layer = replace(layer, attention=variant.attention, attn_dims=variant.dims, heads=variant.heads)
    else:
        layer = replace(layer, mlp_hidden=variant.hidden, mlp_dims=variant.dims)
    block = cut_block(teacher, layer, observed, leading=leading)
    return {name: value.detach().clone() for name, value in block.items() if name.startswith(variant.names)}


def assemble(teacher: Tracker, spec: TrackerSpec, state_of: Callable[[Variant], State]) -> Tracker:
    """The student whose layers are made of variants; everything else as `inherit` takes it from the teacher.

    Args:
        state_of: Gives the tensors of a variant.

    Raises:
        UsageError: as `inherit`, or a teacher whose layers cannot be varied.
    """
    check_layers(teacher.spec)
    student = inherit(teacher, spec)
    for j, layer in enumerate(spec.layers):
        block = student.get_submodule(f"backbone.blocks.{j}")
        state = {name: value for variant in variants_of(layer) for name, value in state_of(variant).items()}
        block.load_state_dict(state)
    return student
