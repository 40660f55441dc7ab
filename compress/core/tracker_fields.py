"""`TrackerFields`: what a `TrackerSpec` holds and what follows from it by itself, before anything is checked."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from compress.core.central_patches import central_patches
from compress.core.records import Precision
from compress.core.spec_fields import Attention, BypassSpec, ExitSpec, HeadSpec, KeepBy, LayerSpec, Recycling, StageSpec


@dataclass(frozen=True)
class TrackerFields:
    """The fields of a `TrackerSpec`, which checks them; the rules of a backbone read them.

    Sizes are pixels of the square crops; a crop's side is `factor` times the square root of the box area.

    Attributes:
        dim, heads: Of a plain ViT; of a LeViT those of its first stage.
        layers: From the input on; of a LeViT stage by stage.
        backbone: A name of `BACKBONES`.
        final_norm: A layer norm in front of the head, or of each exit's head.
        target_token: The template's box enters as a token (LiteTrack).
        position: `learned` tables, or fixed 2-D `sincos` ones (MixFormerV2).
        online_templates: Templates beside the first that are renewed while tracking (MixFormerV2).
        stages: Of a backbone with several resolutions (LeViT) each of them; empty for a plain ViT.
        bypass: None computes every layer for every frame.
        exits: Rising, the last behind the last layer; empty for one head behind the last layer.
        recycling: How exits reuse what the exit before them computed.
        keep_by: How layers with `keep` rank their search tokens; without such layers it means nothing.
        keep_least: The weights are trained for every share of kept tokens from this one to all, so that `keep` may
            change after training; None: for the layers' own shares.
        keep_template: The share of each template's patches that go on behind their embedding, those nearest its
            middle, see `central_patches`; None: all.
        precision: What its graphs compute in where the target leaves it open; `fp32` on a target of another precision
            is that one. It is trained in fp32 whatever this says.
    """

    dim: int
    heads: int
    layers: tuple[LayerSpec, ...]
    backbone: str = "vit"
    patch: int = 16
    template_size: int = 128
    search_size: int = 256
    template_factor: float = 2.0
    search_factor: float = 4.0
    head: HeadSpec = field(default_factory=HeadSpec)
    final_norm: bool = True
    target_token: bool = False
    position: Literal["learned", "sincos"] = "learned"
    online_templates: int = 0
    stages: tuple[StageSpec, ...] = ()
    bypass: BypassSpec | None = None
    exits: tuple[ExitSpec, ...] = ()
    recycling: Recycling = "b"
    keep_by: KeepBy = "attention"
    keep_least: float | None = None
    keep_template: float | None = None
    precision: Precision = "fp32"

    @property
    def grid(self) -> int:
        """Patches on one side of the search crop."""
        return self.search_size // self.patch

    @property
    def search_tokens(self) -> int:
        """Patches of the search crop."""
        return self.grid**2

    @property
    def search_tokens_after(self) -> tuple[int, ...]:
        """Search tokens that each layer passes on."""
        return self.search_tokens_kept(None)

    def search_tokens_kept(self, share: float | None) -> tuple[int, ...]:
        """Likewise, where every layer that eliminates passes on `share` instead of its own; None is its own."""
        left, after = self.search_tokens, []
        for layer in self.layers:
            left = left if layer.keep is None else math.ceil((share or layer.keep) * left)
            after.append(left)
        return tuple(after)

    @property
    def eliminating(self) -> tuple[int, ...]:
        """Indices of the layers that pass on some of their search tokens only."""
        return tuple(i for i, layer in enumerate(self.layers) if layer.keep is not None)

    @property
    def template_patches(self) -> int:
        """Patches of one template."""
        return (self.template_size // self.patch) ** 2

    @property
    def template_places(self) -> tuple[int, ...]:
        """Of the patches of one template those that go on, row by row."""
        return central_patches(self.template_size // self.patch, self.keep_template)

    @property
    def memory_patches(self) -> int:
        """Patches that go on, of all templates."""
        return len(self.template_places) * (1 + self.online_templates)

    @property
    def template_tokens(self) -> int:
        """Those patches, and the target token where there is one (LiteTrack)."""
        return self.memory_patches + int(self.target_token)

    @property
    def extra_tokens(self) -> int:
        """Learned tokens behind the search tokens: four for prediction, one for bypass, one for the exits' IoU."""
        return 4 * (self.head.kind == "tokens") + (self.bypass is not None) + bool(self.exits)

    @property
    def attention(self) -> Literal["joint", "asymmetric", "split"]:
        """The tracker's attention as a whole; `split` is FE…FE AI…AI."""
        first = self.layers[0].attention if self.layers else "joint"
        return first if first in ("joint", "asymmetric") else "split"

    @property
    def skippable(self) -> range:
        """Indices of the layers that bypass may skip."""
        return range(len(self.layers) if self.bypass is None else self.bypass.n_enf, len(self.layers))

    @property
    def adaptive(self) -> bool:
        """Whether the work depends on the frame."""
        return self.bypass is not None or len(self.exits) > 1

    @property
    def maps(self) -> dict[str, tuple[int, ...]]:
        """What the head puts out for one frame: names and shapes, without the batch."""
        n = self.grid
        if self.head.kind == "tokens":
            score: dict[str, tuple[int, ...]] = {"pred_scores": ()} if self.head.score else {}
            return {f"prob_{side}": (self.head.bins,) for side in "ltrb"} | score
        if self.head.kind == "centre":
            return {"score_map": (1, n, n), "size_map": (2, n, n), "offset_map": (2, n, n)}
        cells = 4 * n if self.head.kind == "pyramid" else n
        return {"prob_tl": (cells, cells), "prob_br": (cells, cells)}

    def count(self, attention: Attention) -> int:
        """Number of layers of one attention."""
        return sum(layer.attention == attention for layer in self.layers)
