"""How many kernels a tracker's components launch: a rule on the spec, one for each runtime.

What only moves or renames a view of memory counts nothing. The rule of onnxruntime counts the nodes that are left of
this package's frame graph after onnxruntime's extended optimisations. The rule of PyTorch counts the operators of
eager code with unfused attention and batch norms of the head that are not folded: how the published code was timed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from compress.core import LayerSpec, Registry, TrackerSpec

PublishedRuntime = Literal["onnxruntime", "pytorch"]
"""What published speeds were timed under."""


class BackboneLaunches(Protocol):
    """Kernels that a backbone launches under one runtime, per frame unless stated otherwise."""

    def crop(self, spec: TrackerSpec) -> int:
        """Embedding one crop, with its positions."""
        ...

    def joining(self, spec: TrackerSpec) -> int:
        """Putting template or learned tokens beside the search tokens."""
        ...

    def layer(self, spec: TrackerSpec, layer: LayerSpec) -> int:
        """One layer."""
        ...

    def component(self, spec: TrackerSpec, kind: str) -> int:
        """Any other of the `components` of the backbone, by its name up to the first dot."""
        ...

    def template_layer(self, spec: TrackerSpec) -> int:
        """What a layer takes beyond the frame's where the template goes through the layers in every frame."""
        ...


@dataclass(frozen=True)
class VitLaunches:
    """Launches of a plain ViT, see `BackboneLaunches`.

    Attributes:
        patches: Patch embedding with its positions, of one crop.
        join: Putting template or learned tokens beside the search tokens.
        base: A joint or FE layer; with `cached` more where template keys and values are joined in.
        reduced: Reading some of the dimensions only, on one side of a layer.
        elimination: Ranking the search tokens and leaving some out; with `motion` more where a prior of motion is
            applied, and goes on with the tokens.
        template_attention: A layer's second attention, where the template goes through the layers in every frame.
    """

    patches: int
    join: int
    base: int
    cached: int
    reduced: int
    elimination: int
    template_attention: int
    norm: int = 1
    motion: int = 2

    def crop(self, spec: TrackerSpec) -> int:
        return self.patches

    def joining(self, spec: TrackerSpec) -> int:
        return self.join * (spec.attention == "joint" or spec.extra_tokens > 0)

    def layer(self, spec: TrackerSpec, layer: LayerSpec) -> int:
        cached = layer.attention in ("AI", "asymmetric")
        reduced = (layer.attn_dims is not None) + (layer.mlp_dims is not None)
        elimination = self.elimination + self.motion * (spec.keep_by == "motion")
        return self.base + self.cached * cached + self.reduced * reduced + elimination * (layer.keep is not None)

    def component(self, spec: TrackerSpec, kind: str) -> int:
        return self.norm * (kind == "norm")

    def template_layer(self, spec: TrackerSpec) -> int:
        return self.template_attention * (spec.attention != "joint")


@dataclass(frozen=True)
class LevitLaunches:
    """Launches of a LeViT, see `BackboneLaunches`: the stem of one crop, layers, shrink attentions, the bridge."""

    stem: int
    join: int
    base: int
    shrink: int
    bridge: int

    def crop(self, spec: TrackerSpec) -> int:
        return self.stem

    def joining(self, spec: TrackerSpec) -> int:
        return self.join

    def layer(self, spec: TrackerSpec, layer: LayerSpec) -> int:
        return self.base

    def component(self, spec: TrackerSpec, kind: str) -> int:
        return {"shrink": self.shrink, "bridge": self.bridge}.get(kind, 0)

    def template_layer(self, spec: TrackerSpec) -> int:
        return 0


LAUNCHES: Registry[Mapping[PublishedRuntime, BackboneLaunches]] = Registry("launches of a backbone")
"""By backbone, its rule for each runtime."""

LAUNCHES.register(
    "vit",
    {
        "onnxruntime": VitLaunches(
            patches=3, join=1, base=17, cached=2, reduced=1, elimination=13, template_attention=8
        ),
        "pytorch": VitLaunches(patches=3, join=1, base=14, cached=2, reduced=1, elimination=12, template_attention=6),
    },
)
LAUNCHES.register(
    "levit",
    {
        "onnxruntime": LevitLaunches(stem=11, join=1, base=20, shrink=26, bridge=18),
        "pytorch": LevitLaunches(stem=11, join=1, base=14, shrink=17, bridge=16),
    },
)


@dataclass(frozen=True)
class Launches:
    """Kernels launched under one runtime, whatever the backbone; per frame unless stated otherwise.

    Attributes:
        decision: Of bypass; `exit_decision` that of an exit, without its adapter's layers.
        adapter_layer: Of an exit's adapter.
        boundary: Handing over from one stage of an adaptive tracker to the next, in launches. Nobody has published
            what that costs on such a device: an assumption.
        exit_head: What an exit has in front of its head: norm and projection.
        heads: By `HeadSpec.kind`; `score` is MixFormerV2's score head, `reparam` what merged RepVGG blocks save.
    """

    runtime: PublishedRuntime
    decision: int
    exit_decision: int
    adapter_layer: int
    boundary: int
    exit_head: int
    score: int
    reparam: int
    heads: Mapping[str, int]

    def of_layer(self, spec: TrackerSpec, layer: LayerSpec) -> int:
        """Of one layer."""
        return self._backbone(spec).layer(spec, layer)

    def of_component(self, spec: TrackerSpec, name: str) -> int:
        """Of one of `compress.core.cost.components` by its name, layers and exits' decisions aside."""
        head = self.heads[spec.head.kind] + self.score * spec.head.score - self.reparam * spec.head.reparam
        backbone, kind = self._backbone(spec), name.split(".")[0]
        if kind in ("exits", "head"):
            return head + self.exit_head * (kind == "exits")
        return backbone.crop(spec) + backbone.joining(spec) if kind == "patches" else backbone.component(spec, kind)

    def of_template(self, spec: TrackerSpec) -> int:
        """Of all template work, where published code repeats it in every frame."""
        backbone = self._backbone(spec)
        crop = backbone.crop(spec) + (spec.keep_template is not None)  # those that go on are picked out
        return crop * (1 + spec.online_templates) + backbone.template_layer(spec) * len(spec.layers)

    def _backbone(self, spec: TrackerSpec) -> BackboneLaunches:
        return LAUNCHES[spec.backbone][self.runtime]


RULES: dict[PublishedRuntime, Launches] = {
    "onnxruntime": Launches(
        "onnxruntime",
        decision=3,
        exit_decision=8,
        adapter_layer=17,
        boundary=8,
        exit_head=2,
        score=4,
        reparam=0,
        # Search tokens are cut out and transposed in front of a convolutional head; HiT's are in its bridge.
        heads={"centre": 20, "corner": 12, "pyramid": 47, "tokens": 10},
    ),
    "pytorch": Launches(
        "pytorch",
        decision=5,
        exit_decision=8,
        adapter_layer=14,
        boundary=0,
        exit_head=2,
        score=6,
        reparam=8,
        heads={"centre": 64, "corner": 52, "pyramid": 122, "tokens": 13},
    ),
}
