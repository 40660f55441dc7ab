"""How many kernels a tracker's parts launch: a rule on the spec, one for each runtime.

What only moves or renames a view of memory counts nothing. The rule of onnxruntime counts the nodes that are left of
this package's frame graph after onnxruntime's extended optimisations. The rule of PyTorch counts the operators of
eager code with unfused attention and batch norms of the head that are not folded: how the published code was timed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from compress.core import LayerSpec, TrackerSpec

PublishedRuntime = Literal["onnxruntime", "pytorch"]
"""What published speeds were timed under."""


@dataclass(frozen=True)
class Launches:
    """Launches of each kind of part, per frame unless it says otherwise.

    Attributes:
        patches: Patch embedding with its positions, of one crop.
        join: Putting template or learned tokens beside the search tokens.
        layer: A joint or FE layer of a ViT; with `cached` more where template keys and values are joined in.
        reduced: Reading a part of the dimensions, on one side of a layer.
        elimination: Ranking the search tokens and leaving some out.
        template_attention: A layer's second attention, where the template goes through the layers in every frame.
        stem: LeViT's convolutions, of one crop; `levit_layer`, `shrink`, `bridge` the rest of HiT.
        decision: Of bypass; `exit_decision` that of an exit, without its adapter's layers.
        boundary: Handing over from one stage of an adaptive tracker to the next, in launches. Nobody has published
            what that costs on such a device: an assumption.
        exit_head: What an exit has in front of its head: norm and projection.
        heads: By `HeadSpec.kind`; `score` is MixFormerV2's score head, `reparam` what merged RepVGG blocks save.
    """

    patches: int
    join: int
    layer: int
    cached: int
    reduced: int
    elimination: int
    template_attention: int
    stem: int
    levit_layer: int
    shrink: int
    bridge: int
    decision: int
    exit_decision: int
    boundary: int
    exit_head: int
    score: int
    reparam: int
    norm: int = 1
    heads: dict[str, int] = field(default_factory=dict)

    def of_layer(self, spec: TrackerSpec, layer: LayerSpec) -> int:
        """Of one layer."""
        if spec.backbone == "levit":
            return self.levit_layer
        cached = layer.attention in ("AI", "asymmetric")
        reduced = (layer.attn_dims is not None) + (layer.mlp_dims is not None)
        return self.layer + self.cached * cached + self.reduced * reduced + self.elimination * (layer.keep is not None)

    def of_part(self, spec: TrackerSpec, name: str) -> int:
        """Of a part of `compress.core.cost.components` by its name, layers and exits' decisions aside."""
        head = self.heads[spec.head.kind] + self.score * spec.head.score - self.reparam * spec.head.reparam
        kind = name.split(".")[0]
        if kind == "exits":
            return self.exit_head + head
        joined = spec.backbone == "levit" or spec.attention == "joint" or spec.extra_tokens > 0
        return {
            "patches": (self.stem if spec.backbone == "levit" else self.patches) + self.join * joined,
            "shrink": self.shrink,
            "bridge": self.bridge,
            "norm": self.norm,
            "head": head,
        }.get(kind, 0)

    def of_template(self, spec: TrackerSpec) -> int:
        """Of all template work, where published code repeats it in every frame."""
        crops = 1 + spec.online_templates
        embedding = crops * (self.stem if spec.backbone == "levit" else self.patches)
        return embedding + self.template_attention * len(spec.layers) * (spec.attention != "joint")


RULES: dict[PublishedRuntime, Launches] = {
    "onnxruntime": Launches(
        patches=3,
        join=1,
        layer=17,
        cached=2,
        reduced=1,
        elimination=13,
        template_attention=8,
        stem=11,
        levit_layer=20,
        shrink=26,
        bridge=18,
        decision=3,
        exit_decision=8,
        boundary=8,
        exit_head=2,
        score=4,
        reparam=0,
        # Search tokens are cut out and transposed in front of a convolutional head; HiT's are in its bridge.
        heads={"centre": 20, "corner": 12, "pyramid": 47, "tokens": 10},
    ),
    "pytorch": Launches(
        patches=3,
        join=1,
        layer=14,
        cached=2,
        reduced=1,
        elimination=12,
        template_attention=6,
        stem=11,
        levit_layer=14,
        shrink=17,
        bridge=16,
        decision=5,
        exit_decision=8,
        boundary=0,
        exit_head=2,
        score=6,
        reparam=8,
        heads={"centre": 64, "corner": 52, "pyramid": 122, "tokens": 13},
    ),
}
