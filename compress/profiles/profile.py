"""`Profile`: the measured parts of one family of trackers on one device, runtime and thread count."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from compress.core import Attention, HeadSpec, LayerSpec, TrackerSpec

WholeAttention = Literal["joint", "asymmetric", "split"]
"""A tracker's attention as a whole, see `TrackerSpec.attention`."""


@dataclass(frozen=True)
class Family:
    """What all trackers of one profile share: everything a latency depends on, except the layers."""

    dim: int
    heads: int
    template_size: int
    search_size: int
    patch: int = 16
    backbone: Literal["vit", "levit"] = "vit"
    head: HeadSpec = field(default_factory=HeadSpec)
    final_norm: bool = True
    target_token: bool = False

    @classmethod
    def of(cls, spec: TrackerSpec) -> Family:
        return cls(
            dim=spec.dim,
            heads=spec.heads,
            template_size=spec.template_size,
            search_size=spec.search_size,
            patch=spec.patch,
            backbone=spec.backbone,
            head=spec.head,
            final_norm=spec.final_norm,
            target_token=spec.target_token,
        )


@dataclass(frozen=True)
class Fixed:
    """Cost of one frame beside the blocks: embedding, final norm, head and the call itself."""

    attention: WholeAttention
    ms: float


@dataclass(frozen=True)
class Block:
    """Cost of one block within a stack; see `LayerSpec` for the fields."""

    attention: Attention
    mlp_hidden: int
    ms: float
    attn_dims: int | None = None
    mlp_dims: int | None = None

    @property
    def point(self) -> tuple[int | None, int, int | None]:
        """(attn_dims, mlp_hidden, mlp_dims)."""
        return self.attn_dims, self.mlp_hidden, self.mlp_dims


@dataclass(frozen=True)
class Ratios:
    """Mean and percentiles of whole trackers, as multiples of their 10th percentile."""

    mean: float
    p50: float
    p90: float
    p99: float


@dataclass(frozen=True)
class Held:
    """One whole tracker: its 10th percentile predicted by a profile scaled on the others, and measured."""

    spec: str
    predicted_ms: float
    measured_ms: float

    @property
    def error(self) -> float:
        """Relative error of the prediction."""
        return self.predicted_ms / self.measured_ms - 1


@dataclass(frozen=True)
class Profile:
    """Costs are 10th percentiles in ms; `scale` corrects their sum for what only whole trackers show.

    Attributes:
        target: Name of the target, e.g. `cpu`.
        device, runtime: As in `Latency`.
        loop_ms: Crop, normalise, decode and map back, without a network.
        held: Whole trackers the scale was fitted on, each predicted from the others.
        spread: Largest disagreement between two halves of the rounds over all timed networks.
        runs, warmup: Timed and dropped runs of each network.
    """

    target: str
    device: str
    runtime: str
    threads: int
    family: Family
    fixed: tuple[Fixed, ...]
    blocks: tuple[Block, ...]
    loop_ms: float
    ratios: Ratios
    runs: int
    warmup: int
    scale: float = 1.0
    held: tuple[Held, ...] = ()
    spread: float = 0.0
    precision: str = "fp32"
    provenance: Literal["measured", "estimated"] = "measured"
    schema: int = 1

    @property
    def mean_error(self) -> float | None:
        """Mean absolute relative error on trackers held back; None where none was."""
        return sum(abs(h.error) for h in self.held) / len(self.held) if self.held else None

    @property
    def max_error(self) -> float | None:
        return max((abs(h.error) for h in self.held), default=None)

    @cached_property
    def fixed_ms(self) -> dict[str, float]:
        return {f.attention: f.ms for f in self.fixed}

    @cached_property
    def block_ms(self) -> dict[str, dict[tuple[int | None, int, int | None], float]]:
        """Per attention, the cost at each measured (attn_dims, mlp_hidden, mlp_dims)."""
        table: dict[str, dict[tuple[int | None, int, int | None], float]] = {}
        for block in self.blocks:
            table.setdefault(block.attention, {})[block.point] = block.ms
        return table

    @cached_property
    def memo(self) -> dict[Any, float]:
        """Costs of layers already worked out; a search asks for the same few thousands of times."""
        return {}

    def problems(self) -> Iterator[str]:
        """Everything that keeps the figures from being costs."""
        if self.schema != 1:
            yield f"schema must be 1 but is {self.schema}"
        for place, value in _figures(self):
            if not math.isfinite(value) or value <= 0:
                yield f"{place} must be a positive number but is {value}"
        if not math.isfinite(self.spread) or self.spread < 0:
            yield f"spread must be ≥ 0 but is {self.spread}"
        for name, keys in (
            ("fixed", [f.attention for f in self.fixed]),
            ("blocks", [(b.attention, *b.point) for b in self.blocks]),
        ):
            if not keys:
                yield f"{name} is empty"
            if len(set(keys)) < len(keys):
                yield f"{name} names the same part twice"


def layer_key(layer: LayerSpec) -> tuple[str, int, int | None, int | None]:
    """What a layer's cost depends on: not which teacher layer its weights come from."""
    return layer.attention, layer.mlp_hidden, layer.attn_dims, layer.mlp_dims


def _figures(profile: Profile) -> Iterator[tuple[str, float]]:
    for name in ("loop_ms", "scale", "runs", "threads"):
        yield name, getattr(profile, name)
    for name in ("mean", "p50", "p90", "p99"):
        yield f"ratios.{name}", getattr(profile.ratios, name)
    for i, part in enumerate(profile.fixed):
        yield f"fixed[{i}].ms", part.ms
    for i, block in enumerate(profile.blocks):
        yield f"blocks[{i}].ms", block.ms
    for i, held in enumerate(profile.held):
        yield f"held[{i}].predicted_ms", held.predicted_ms
        yield f"held[{i}].measured_ms", held.measured_ms
