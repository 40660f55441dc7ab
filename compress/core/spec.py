"""`TrackerSpec`: one tracker as a frozen, hashable, JSON-round-tripping value with a stable id."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from compress.core.errors import UsageError
from compress.core.plain import from_plain, to_plain
from compress.core.spec_fields import Attention, BypassSpec, ExitSpec, HeadSpec, LayerSpec, Recycling, StageSpec
from compress.core.validity import problems


@dataclass(frozen=True)
class TrackerSpec:
    """One tracker. Knows nothing of torch; network, weights and cost are functions of it.

    Sizes are pixels of the square crops; a crop's side is `factor` times the square root of the box area.

    Attributes:
        dim, heads: Of a plain ViT; of a LeViT those of its first stage.
        layers: From the input on; of a LeViT stage by stage.
        final_norm: A layer norm in front of the head, or of each exit's head.
        target_token: The template's box enters as a token (LiteTrack).
        position: `learned` tables, or fixed 2-D `sincos` ones (MixFormerV2).
        online_templates: Templates beside the first that are renewed while tracking (MixFormerV2).
        stages: Of a LeViT, its resolutions; empty for a plain ViT.
        bypass: None computes every layer for every frame.
        exits: Rising, the last behind the last layer; empty for one head behind the last layer.
        recycling: How exits reuse what the exit before them computed.

    Raises:
        UsageError: naming every field that holds an impossible value.
    """

    dim: int
    heads: int
    layers: tuple[LayerSpec, ...]
    backbone: Literal["vit", "levit"] = "vit"
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

    def __post_init__(self) -> None:
        found = list(problems(self))
        if found:
            raise UsageError("This tracker cannot be built: " + "; ".join(found) + ".")

    @property
    def grid(self) -> int:
        """Patches on one side of the search crop."""
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
    def template_patches(self) -> int:
        """Patches of one template."""
        return (self.template_size // self.patch) ** 2

    @property
    def template_tokens(self) -> int:
        """Patches of all templates, and the target token where there is one (LiteTrack)."""
        return self.template_patches * (1 + self.online_templates) + int(self.target_token)

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
        """Hash of what training depends on: without ρ and τ, which are chosen afterwards."""
        bypass = self.bypass and replace(self.bypass, rho=BypassSpec.rho)
        exits = tuple(replace(each, tau=ExitSpec.tau) for each in self.exits)
        return "w" + replace(self, bypass=bypass, exits=exits).id[1:]


def kept_dims(dim: int, heads: int, dr_ratio: float) -> int:
    """Dimensions kept when the share μ = `dr_ratio` is removed: d − floor(d·μ/heads)·heads (ABTrack, Table 3).

    Raises:
        UsageError: unless 0 ≤ `dr_ratio` < 1.
    """
    if not 0 <= dr_ratio < 1:
        raise UsageError(f"dr_ratio must be in [0, 1) but is {dr_ratio}.")
    # The small term undoes binary rounding: 192 · 0.3125 / 3 must floor to 20, whichever way it was typed.
    return dim - int(dim * dr_ratio / heads + 1e-9) * heads
