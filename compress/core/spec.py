"""`TrackerSpec`: one tracker as a frozen, hashable, JSON-round-tripping value with a stable id."""

from __future__ import annotations

import hashlib
import json
import math
import typing
from dataclasses import dataclass, field
from typing import Any, Literal

from compress.core.errors import UsageError
from compress.core.plain import from_plain, to_plain

Attention = Literal["joint", "asymmetric", "FE", "AI"]
"""How a layer's search tokens see the template.

`joint`: one self-attention over template and search (OSTrack). `asymmetric`: template queries see the
template only, search queries see all (MixFormerV2). `FE`: template and search apart; `AI`: search tokens
attend to the finished template features (LiteTrack).
"""

ATTENTIONS: tuple[str, ...] = typing.get_args(Attention)


@dataclass(frozen=True)
class LayerSpec:
    """One transformer block.

    Attributes:
        source: Index of the teacher's layer whose weights this one inherits.
        mlp_hidden: Hidden units of the MLP that the network really holds.
        attention: See `Attention`.
        attn_dims: Input dimensions that dimension reduction keeps on the attention side (the input of q, k
            and v, and the values per layer; a multiple of the heads); None keeps all.
        mlp_dims: Input dimensions that dimension reduction keeps for the MLP; None keeps all.
        keep: Share of its search tokens that a joint layer passes on, rounded up, after its attention and before
            its MLP (OSTrack's candidate elimination); None passes on all.
    """

    source: int
    mlp_hidden: int
    attention: Attention = "joint"
    attn_dims: int | None = None
    mlp_dims: int | None = None
    keep: float | None = None


@dataclass(frozen=True)
class HeadSpec:
    """The box head. `centre`: OSTrack's three convolutional branches of `channels`, /2, /4, /8 channels."""

    kind: Literal["centre"] = "centre"
    channels: int = 256


@dataclass(frozen=True)
class TrackerSpec:
    """One tracker. Knows nothing of torch; network, weights and cost are functions of it.

    Sizes are pixels of the square crops; a crop's side is `factor` times the square root of the box area.

    Raises:
        UsageError: naming every field that holds an impossible value.
    """

    dim: int
    heads: int
    layers: tuple[LayerSpec, ...]
    backbone: Literal["vit"] = "vit"
    patch: int = 16
    template_size: int = 128
    search_size: int = 256
    template_factor: float = 2.0
    search_factor: float = 4.0
    head: HeadSpec = field(default_factory=HeadSpec)
    final_norm: bool = True
    target_token: bool = False

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise UsageError("This tracker cannot be built: " + "; ".join(problems) + ".")

    @property
    def grid(self) -> int:
        """Cells on one side of the score map."""
        return self.search_size // self.patch

    @property
    def search_tokens(self) -> int:
        return self.grid**2

    @property
    def search_tokens_after(self) -> tuple[int, ...]:
        """Search tokens that each layer passes on."""
        left, after = self.search_tokens, []
        for layer in self.layers:
            left = left if layer.keep is None else math.ceil(layer.keep * left)
            after.append(left)
        return tuple(after)

    @property
    def template_tokens(self) -> int:
        """Template patches, and the target token where there is one (LiteTrack)."""
        return (self.template_size // self.patch) ** 2 + int(self.target_token)

    @property
    def attention(self) -> Literal["joint", "asymmetric", "split"]:
        """The tracker's attention as a whole; `split` is FE…FE AI…AI."""
        first = self.layers[0].attention
        return first if first in ("joint", "asymmetric") else "split"

    def count(self, attention: Attention) -> int:
        """Number of layers of one attention."""
        return sum(layer.attention == attention for layer in self.layers)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; fields at their default are left out, so a new knob changes no old id."""
        return to_plain(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> TrackerSpec:
        """Inverse of `to_dict`.

        Raises:
            UsageError: on an unknown, missing or mistyped field, by name.
        """
        return from_plain(cls, data, "spec")

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))

    @property
    def id(self) -> str:
        """Hash of the whole spec; evaluation and latency are keyed by it."""
        return "t" + hashlib.sha256(self.to_json().encode()).hexdigest()[:10]

    @property
    def weights_id(self) -> str:
        """Hash of what training depends on; equal to `id` until something is chosen after training."""
        return "w" + self.id[1:]


def kept_dims(dim: int, heads: int, dr_ratio: float) -> int:
    """Dimensions kept when the share μ = `dr_ratio` is removed: d − floor(d·μ/heads)·heads (ABTrack, Table 3).

    Raises:
        UsageError: unless 0 ≤ `dr_ratio` < 1.
    """
    if not 0 <= dr_ratio < 1:
        raise UsageError(f"dr_ratio must be in [0, 1) but is {dr_ratio}.")
    # The small term undoes binary rounding: 192 · 0.3125 / 3 must floor to 20, whichever way it was typed.
    return dim - int(dim * dr_ratio / heads + 1e-9) * heads


def _problems(spec: TrackerSpec) -> typing.Iterator[str]:
    for name in ("dim", "heads", "patch", "template_size", "search_size"):
        value = getattr(spec, name)
        if not isinstance(value, int) or value < 1:
            yield f"{name} must be a positive integer but is {value!r}"
            return
    if spec.dim % spec.heads:
        yield f"dim {spec.dim} is not a multiple of heads {spec.heads}"
    for name in ("template_size", "search_size"):
        if getattr(spec, name) % spec.patch:
            yield f"{name} {getattr(spec, name)} is not a multiple of patch {spec.patch}"
    for name in ("template_factor", "search_factor"):
        if not 1 <= getattr(spec, name) <= 16:
            yield f"{name} must be in [1, 16] but is {getattr(spec, name)!r}"
    if spec.head.channels < 8 or spec.head.channels % 8:
        yield f"head.channels must be a positive multiple of 8 but is {spec.head.channels!r}"
    if not spec.layers:
        yield "layers must hold at least one layer"
        return
    for i, layer in enumerate(spec.layers):
        yield from _layer_problems(spec, i, layer)
    kinds = "".join("A" if x == "AI" else x[0] for x in (layer.attention for layer in spec.layers))
    valid = set(kinds) in ({"j"}, {"a"}) or (kinds == "F" * kinds.count("F") + "A" * kinds.count("A") and "A" in kinds)
    if not valid:
        yield "layers must be all joint, all asymmetric, or FE…FE followed by at least one AI"


def _layer_problems(spec: TrackerSpec, i: int, layer: LayerSpec) -> typing.Iterator[str]:
    if layer.source < 0:
        yield f"layers[{i}].source must be ≥ 0 but is {layer.source}"
    if i and layer.source <= spec.layers[i - 1].source:
        yield f"layers[{i}].source {layer.source} does not come after {spec.layers[i - 1].source}"
    if layer.mlp_hidden < 1:
        yield f"layers[{i}].mlp_hidden must be ≥ 1 but is {layer.mlp_hidden}"
    if layer.attn_dims is not None and (not 0 < layer.attn_dims < spec.dim or layer.attn_dims % spec.heads):
        yield f"layers[{i}].attn_dims must be a multiple of heads below dim {spec.dim} but is {layer.attn_dims}"
    if layer.mlp_dims is not None and not 0 < layer.mlp_dims < spec.dim:
        yield f"layers[{i}].mlp_dims must be in [1, dim − 1] but is {layer.mlp_dims}"
    if layer.keep is not None and not 0 < layer.keep < 1:
        yield f"layers[{i}].keep must be above 0 and below 1 but is {layer.keep}"
    if layer.keep is not None and layer.attention != "joint":
        yield f"layers[{i}].keep needs joint attention, but the layer's is {layer.attention}"
