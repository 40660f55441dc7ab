"""`Profile`: the measured parts of one family of trackers on one device, runtime and thread count."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Literal

from compress.core import Attention
from compress.latency.family import Family
from compress.latency.measured.conditions import Conditions
from compress.latency.measured.routing_overhead import RoutingOverhead
from compress.latency.measured.validation import ValidationResult

WholeAttention = Literal["joint", "asymmetric", "split"]
"""A tracker's attention as a whole, see `TrackerSpec.attention`."""


@dataclass(frozen=True)
class Overhead:
    """Cost of one frame beside the blocks: embedding, final norm, head and the call itself."""

    attention: WholeAttention
    ms: float


Point = tuple[int | None, int, int | None]
"""(attn_dims, mlp_hidden, mlp_dims) of a layer."""


@dataclass(frozen=True)
class Block:
    """Cost of one block within a stack; see `LayerSpec` for the fields.

    Attributes:
        tokens: Search tokens that go in and out, where some were eliminated before; None for all of the crop's.
        stage: Of a LeViT.
    """

    attention: Attention
    mlp_hidden: int
    ms: float
    attn_dims: int | None = None
    mlp_dims: int | None = None
    tokens: int | None = None
    stage: int = 0

    @property
    def point(self) -> Point:
        return self.attn_dims, self.mlp_hidden, self.mlp_dims


@dataclass(frozen=True)
class Ratios:
    """Mean and percentiles of whole trackers, as multiples of their 10th percentile."""

    mean: float
    p50: float
    p90: float
    p99: float


def under(runtime: str, precision: str) -> str:
    """A runtime as `Latency.runtime` names it, with the precision where it is not fp32."""
    return runtime if precision == "fp32" else f"{runtime} {precision}"


@dataclass(frozen=True)
class Profile:
    """Costs are 10th percentiles in ms, corrected by what only whole trackers show.

    Attributes:
        target: Name of the target, e.g. `cpu`.
        device, runtime: As in `Latency`.
        loop_ms: Crop, normalise, decode and map back, without a network.
        elimination_ms: What an eliminating layer costs beside its attention and its MLP; None where it is unknown.
        held: Whole trackers that costs were corrected by, each predicted from the others.
        spread: Largest disagreement between two halves of the rounds over all timed networks.
        runs, warmup: Timed and dropped runs of each network.
        deciding: What bypass and exits cost; None where it was not measured.
        conditions: What the device was set to meanwhile.
    """

    target: str
    device: str
    runtime: str
    threads: int
    family: Family
    overhead: tuple[Overhead, ...]
    blocks: tuple[Block, ...]
    loop_ms: float
    ratios: Ratios
    runs: int
    warmup: int
    validation: tuple[ValidationResult, ...] = ()
    spread: float = 0.0
    elimination_ms: float | None = None
    routing_overhead: RoutingOverhead | None = None
    conditions: Conditions | None = None
    precision: str = "fp32"
    provenance: Literal["measured", "estimated"] = "measured"
    schema: int = 1

    @property
    def mean_error(self) -> float | None:
        """Mean absolute relative error on trackers held back; None where none was."""
        return sum(abs(h.error) for h in self.validation) / len(self.validation) if self.validation else None

    @property
    def max_error(self) -> float | None:
        return max((abs(h.error) for h in self.validation), default=None)

    @cached_property
    def overhead_ms(self) -> dict[str, float]:
        return {f.attention: f.ms for f in self.overhead}

    @cached_property
    def tables(self) -> dict[tuple[Attention, int], dict[int, dict[Point, float]]]:
        """Per attention and stage, per number of search tokens, the cost at each measured point."""
        found: dict[tuple[Attention, int], dict[int, dict[Point, float]]] = {}
        for block in self.blocks:
            tokens = self.family.search_tokens if block.tokens is None else block.tokens
            found.setdefault((block.attention, block.stage), {}).setdefault(tokens, {})[block.point] = block.ms
        return found

    @cached_property
    def memo(self) -> dict[Any, float]:
        """Costs of layers already worked out; a search asks for the same few thousands of times."""
        return {}

    def __getstate__(self) -> dict[str, Any]:
        """The fields alone: a pickled profile leaves behind what was worked out from them."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def problems(self) -> Iterator[str]:
        """Everything that keeps the figures from being costs."""
        if self.schema != 1:
            yield f"schema must be 1 but is {self.schema}"
        for place, value in _figures(self):
            if not math.isfinite(value) or value <= 0:
                yield f"{place} must be a positive number but is {value}"
        for name, value in (("spread", self.spread), ("elimination_ms", self.elimination_ms or 0.0)):
            if not math.isfinite(value) or value < 0:
                yield f"{name} must be ≥ 0 but is {value}"
        for name, keys in (
            ("overhead", [f.attention for f in self.overhead]),
            ("blocks", [(b.attention, b.stage, b.tokens, b.point) for b in self.blocks]),
        ):
            if not keys:
                yield f"{name} is empty"
            if len(set(keys)) < len(keys):
                yield f"{name} names the same part twice"


def _figures(profile: Profile) -> Iterator[tuple[str, float]]:
    for name in ("loop_ms", "runs", "threads"):
        yield name, getattr(profile, name)
    for name in ("mean", "p50", "p90", "p99"):
        yield f"ratios.{name}", getattr(profile.ratios, name)
    for i, part in enumerate(profile.overhead):
        yield f"overhead[{i}].ms", part.ms
    for i, block in enumerate(profile.blocks):
        yield f"blocks[{i}].ms", block.ms
    for i, validation in enumerate(profile.validation):
        yield f"validation[{i}].predicted_ms", validation.predicted_ms
        yield f"validation[{i}].measured_ms", validation.measured_ms
