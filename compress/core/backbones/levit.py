"""LeViT, the hierarchical backbone of HiT: three stages, each of a quarter of the tokens of the one before."""

from __future__ import annotations

from collections.abc import Iterator

from compress.core.backbones.rules import BACKBONES
from compress.core.component import Component
from compress.core.cost.levit import levit_components
from compress.core.tracker_fields import TrackerFields


class LevitRules:
    """Rules of LeViTs, see `BackboneRules`."""

    def problems(self, spec: TrackerFields) -> Iterator[str]:
        """Three stages that fit each other, and nothing that only a plain ViT has."""
        if len(spec.stages) != 3:
            yield f"stages must be 3, which the bridge joins, but are {len(spec.stages)}"
            return
        first = spec.stages[0]
        if (first.dim, first.heads) != (spec.dim, spec.heads):
            yield f"dim and heads must be the first stage's, {first.dim} and {first.heads}"
        for i, stage in enumerate(spec.stages):
            if min(stage.dim, stage.heads, stage.key_dim) < 1:
                yield f"stages[{i}] must have a dim, heads and key_dim of at least 1"
            if (stage.shrink_heads > 0) != (i > 0) or (stage.shrink_hidden > 0) != (i > 0):
                yield f"stages[{i}].shrink_heads and shrink_hidden must be positive, but 0 in the first stage"
        where = [layer.stage for layer in spec.layers]
        if where != sorted(where) or not set(where) <= {0, 1, 2}:
            yield "layers must go stage by stage, 0 to 2"
        if spec.dim % 8 or spec.patch != 16 or spec.template_size % 64 or spec.search_size % 64:
            yield "a levit needs a dim that is a multiple of 8, patch 16, and crops that are multiples of 64 pixels"
        if any(x.attention != "joint" or x.attn_dims or x.mlp_dims or x.keep or x.heads for x in spec.layers):
            yield "layers of a levit are joint, without attn_dims, mlp_dims, keep and heads of their own"
        if spec.keep_template is not None:
            yield "a levit keeps all of its template, so keep_template must be left out"
        plain = not (spec.final_norm or spec.target_token or spec.online_templates or spec.bypass or spec.exits)
        if not plain or spec.position != "learned" or spec.head.kind != "corner" or spec.head.reparam:
            yield "a levit has a plain corner head and no final_norm, target_token, online templates, bypass or exits"

    def components(self, spec: TrackerFields) -> Iterator[Component]:
        """Stem, layers, shrink attentions and bridge."""
        return levit_components(spec)

    def head_width(self, spec: TrackerFields) -> int:
        """The bridge hands over as many channels as the head's first convolution has."""
        return spec.head.channels

    def layer_shape(self, spec: TrackerFields, i: int) -> tuple[int, int]:
        """A quarter of the tokens with every stage, which has a width of its own."""
        stage = spec.layers[i].stage
        return spec.search_tokens // 4**stage, spec.stages[stage].dim


BACKBONES.register("levit", LevitRules())
