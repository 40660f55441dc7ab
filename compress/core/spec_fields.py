"""The fields of a `TrackerSpec` that are dataclasses: layers, stages, head, bypass, exits."""

from __future__ import annotations

import typing
from dataclasses import dataclass
from typing import Literal

Attention = Literal["joint", "asymmetric", "FE", "AI"]
"""How a layer's search tokens see the template.

`joint`: one self-attention over template and search (OSTrack). `asymmetric`: template queries see the
template only, search queries see all (MixFormerV2). `FE`: template and search apart; `AI`: search tokens
attend to the finished template features (LiteTrack).
"""

ATTENTIONS: tuple[str, ...] = typing.get_args(Attention)

Recycling = Literal["none", "a", "b", "c", "d"]
"""How a decisioner reuses its predecessor's features (DyTrack, Figure 5)."""

KeepBy = Literal["attention", "motion"]
"""By what eliminating layers rank their search tokens.

`attention`: that of the template's token before the centre, over the mean of all heads (OSTrack). `motion`: that times
a Gaussian around the last box (MaST).
"""


@dataclass(frozen=True)
class LayerSpec:
    """One transformer block.

    Attributes:
        source: Index of the teacher's layer whose weights this one inherits.
        mlp_hidden: Hidden units of the MLP that the network really holds.
        attention: See `Attention`.
        attn_dims: Input dimensions that dimension reduction keeps on the attention side (the input of q, k
            and v, and the values of all heads; a multiple of the tracker's heads); None keeps all.
        mlp_dims: Input dimensions that dimension reduction keeps for the MLP; None keeps all.
        keep: Share of its search tokens that a joint layer passes on, rounded up, after its attention and before
            its MLP (OSTrack's candidate elimination); None passes on all.
        stage: Of a LeViT, the stage the layer belongs to.
        heads: Attention heads that the layer keeps, each with its keys and values as they are; None keeps all.
    """

    source: int
    mlp_hidden: int
    attention: Attention = "joint"
    attn_dims: int | None = None
    mlp_dims: int | None = None
    keep: float | None = None
    stage: int = 0
    heads: int | None = None


@dataclass(frozen=True)
class StageSpec:
    """One resolution of a LeViT (HiT). Values have 2 · `key_dim` dimensions a head.

    Attributes:
        dim: Width of its tokens.
        heads, key_dim: Of its layers' attention: heads, and dimensions of a head's keys.
        shrink_heads: Heads of the shrink attention that leads into the stage; 0 in the first stage.
        shrink_hidden: Hidden units of the MLP behind the shrink attention; 0 in the first stage.
    """

    dim: int
    heads: int
    key_dim: int
    shrink_heads: int = 0
    shrink_hidden: int = 0


@dataclass(frozen=True)
class HeadSpec:
    """The box head.

    Attributes:
        kind: `centre`: OSTrack's three convolutional branches. `corner`: two towers of four 3×3 convolutions (STARK,
            HiT, DyTrack). `pyramid`: corner towers up to four times the resolution (MixViT). `tokens`: a
            distribution over `bins` coordinates for each of four prediction tokens (MixFormerV2).
        channels: Of the first convolution: centre and corner go on with /2, /4, /8, pyramid likewise; unused by
            `tokens`.
        bins: Of `tokens`: coordinates that each side of the box is spread over.
        score: Of `tokens`: a second head predicts whether the target is in sight.
        reparam: Of `corner`: RepVGG blocks in place of the 3×3 convolutions (DyTrack), merged for inference.
    """

    kind: Literal["centre", "corner", "pyramid", "tokens"] = "centre"
    channels: int = 256
    bins: int = 0
    score: bool = False
    reparam: bool = False


@dataclass(frozen=True)
class BypassSpec:
    """Per-input skipping of layers by bypass decision modules (ABTrack, §3).

    Attributes:
        n_enf: Layers at the start that are never skipped; each later one has a decision module.
        tau0: Share of the decisions that training drives toward "skip" (τ0, Eq. 2).
        zeta: How that share follows a sample's difficulty (ζ, Eq. 2); 0 keeps it at τ0. Below 0, hard frames are
            skipped less, as in the paper's text and Figure 4; above 0 is Eq. 2 as printed.
        rho: A layer is skipped where its skipping probability exceeds ρ; may change after training.
    """

    n_enf: int = 2
    tau0: float = 0.4
    zeta: float = -0.1
    rho: float = 0.5


@dataclass(frozen=True)
class ExitSpec:
    """One exit: a decisioner with a box head of its own (DyTrack, §III).

    Attributes:
        after: Layers computed before it; the last exit's is the depth.
        adapter: Transformer layers of its adapter.
        tau: It is taken where its predicted IoU exceeds τ; may change after training. The last is always taken.
    """

    after: int
    adapter: int = 0
    tau: float = 0.5
