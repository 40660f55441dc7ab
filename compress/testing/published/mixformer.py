"""MixFormerV2 and MixViT in their published keys, filled by the rule of the recorded figures."""

from __future__ import annotations

import torch
from torch import Tensor

from compress.core import TrackerSpec
from compress.models import Tracker, build
from compress.models.checkpoints.layouts import mixformer
from compress.testing.published.fill_mixformer import crop


def published_shapes(spec: TrackerSpec) -> dict[str, tuple[int, ...]]:
    """The keys a published checkpoint of this tracker holds, from our own and what reading it takes away."""
    with torch.device("meta"):
        own = {key: tuple(value.shape) for key, value in build(spec).state_dict().items()}
    shapes = {f"backbone.pos_embed_{new}": own.pop(f"backbone.pos_embed_{old}") for old, new in ("zt", "xs")}
    if "backbone.extra_tokens" in own:
        shapes |= dict.fromkeys(["backbone.reg_tokens", "backbone.pos_embed_reg"], own.pop("backbone.extra_tokens"))
    else:
        shapes |= {"backbone.cls_token": (1, 1, spec.dim), "backbone.pos_embed": (1, 197, spec.dim)}
        shapes |= {"backbone.norm.weight": (spec.dim,), "backbone.norm.bias": (spec.dim,)}
        shapes |= {"backbone.head.weight": (1000, spec.dim), "backbone.head.bias": (1000,)}
    return shapes | {key.replace("box_head.score.", "score_head.layers."): shape for key, shape in own.items()}


def network(spec: TrackerSpec, state: dict[str, Tensor]) -> Tracker:
    """A tracker with a published state dict, in eval mode."""
    model = build(spec)
    model.load_state_dict(mixformer.adapt(state, spec))
    return model.eval()


def crops(spec: TrackerSpec) -> tuple[Tensor, Tensor, Tensor]:
    """Template, search and two online templates (1, 2, 3, Sz, Sz)."""
    online = [crop(name, spec.template_size) for name in ("online_template", "online_template2")]
    return crop("template", spec.template_size), crop("search", spec.search_size), torch.stack(online, 1)
