"""OSTrack and LiteTrack in their published keys."""

from __future__ import annotations

import torch

from compress.core import TrackerSpec
from compress.models import build


def published_shapes(spec: TrackerSpec) -> dict[str, tuple[int, ...]]:
    """The keys a published checkpoint of this tracker holds, from our own and what reading it takes away."""
    with torch.device("meta"):
        shapes = {key: tuple(value.shape) for key, value in build(spec).state_dict().items()}
    shapes |= {"backbone.cls_token": (1, 1, spec.dim), "backbone.pos_embed": (1, 197, spec.dim)}
    if spec.target_token:
        for i in range(len(spec.layers)):
            block = f"backbone.blocks.{i}."
            del shapes[f"{block}attn.qkv.bias"]
            shapes |= {block + key: (spec.dim,) for key in ("gamma_1", "gamma_2", "attn.q_bias", "attn.v_bias")}
    return shapes
