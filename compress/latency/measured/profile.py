"""`Profile`: the measured components of one family of trackers on one device, runtime and thread count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Literal

from compress.core import Attention
from compress.latency.family import Family
from compress.latency.measured.least_costs import least_block_ms
from compress.latency.measured.profile_fields import (
    BlockCost,
    Conditions,
    Overhead,
    Point,
    Ratios,
    RoutingOverhead,
    ValidationResult,
)


@dataclass(frozen=True)
class Profile:
    """Costs are 10th percentiles in ms, calibrated by whole trackers.

    Attributes:
        target: Name of the target, e.g. `cpu`.
        device, runtime: As in `Latency`.
        loop_ms: Crop, normalise, decode and map back, without a network.
        elimination_ms: What an eliminating layer costs beside its attention and its MLP; None where it is unknown.
        overhead, blocks: Costs of components, see there.
        sizes: Search and template sizes in pixels that were measured beside the family's, which no other exceeds.
        ratios: How mean and percentiles of whole trackers relate to their 10th percentiles.
        validation: Whole trackers that costs were calibrated by, each predicted from the others.
        spread: Largest disagreement between two halves of the rounds over all timed networks.
        runs, warmup: Timed and dropped runs of each network.
        routing_overhead: What bypass and exits cost; None where it was not measured.
        conditions: What the device was set to meanwhile.
        noise: By how much errors are given wider because the machine was not steady, relatively; 0 where it was.
        remarks: What was unsteady, a phrase each.
    """

    target: str
    device: str
    runtime: str
    threads: int
    family: Family
    overhead: tuple[Overhead, ...]
    blocks: tuple[BlockCost, ...]
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
    noise: float = 0.0
    remarks: tuple[str, ...] = ()
    sizes: tuple[tuple[int, int], ...] = ()

    @property
    def mean_error(self) -> float | None:
        """Mean absolute relative error on the validation set, and the noise; None where there is no such set."""
        if not self.validation:
            return None
        return sum(abs(each.error) for each in self.validation) / len(self.validation) + self.noise

    @property
    def max_error(self) -> float | None:
        """Largest absolute relative error on the validation set, and the noise; None where there is no such set."""
        return max(abs(each.error) for each in self.validation) + self.noise if self.validation else None

    @cached_property
    def overhead_ms(self) -> dict[str, float]:
        """`Overhead.ms` by attention, at the family's sizes."""
        return {attention: found[self.family.search_tokens] for attention, found in self.overheads.items()}

    @cached_property
    def overheads(self) -> dict[str, dict[int, float]]:
        """`Overhead.ms` by attention and search tokens."""
        found: dict[str, dict[int, float]] = {}
        for each in self.overhead:
            tokens = self.family.search_tokens if each.tokens is None else each.tokens
            found.setdefault(each.attention, {})[tokens] = each.ms
        return found

    @cached_property
    def tables(self) -> dict[tuple[Attention, int], dict[int, dict[Point, float]]]:
        """Per attention and stage, per number of search tokens, the cost at each measured point, with all heads
        and templates.

        Joint layers work on the sum of search and template tokens, so what they cost beside fewer template patches is
        entered where the search tokens beside all of them make the same sum; see `tokens_beside_all`.
        """
        found: dict[tuple[Attention, int], dict[int, dict[Point, float]]] = {}
        for block in self.blocks:
            if block.heads is None and (block.template is None or block.attention == "joint"):
                kind, tokens = (block.attention, block.stage), self._tokens(block)
                found.setdefault(kind, {}).setdefault(tokens, {})[block.point] = block.ms
        return found

    def tokens_beside_all(self, attention: Attention, search: int, template: int | None) -> int:
        """Search tokens that make as many in all, beside the family's templates, as `search` beside smaller templates.

        Args:
            template: Patches of each template that go on; None is all of the family's. Layers that are not joint
                have no template among their tokens.
        """
        if attention != "joint" or template is None:
            return search
        return search + (template - self.family.template_patches) * (1 + self.family.online_templates)

    @cached_property
    def template_tables(self) -> dict[Attention, dict[int, dict[Point, float]]]:
        """Per attention, per number of patches of each template that go on, with all search tokens; all included.

        Of AI and asymmetric layers, to which the template is keys and values.
        """
        full = self.family.search_tokens, self.family.template_patches
        found = {
            kind: {full[1]: points[full[0]]}
            for (kind, stage), points in self.tables.items()
            if not stage and full[0] in points
        }
        for block in self.blocks:
            if block.template is not None and block.tokens is None and block.heads is None:
                found.setdefault(block.attention, {}).setdefault(block.template, {})[block.point] = block.ms
        return found

    @cached_property
    def head_changes(self) -> dict[tuple[Attention, int], dict[int, dict[int, float]]]:
        """Likewise by heads left, all among them: what fewer change in the cost of the layer that has all."""
        found: dict[tuple[Attention, int], dict[int, dict[int, float]]] = {}
        for block in self.blocks:
            if block.heads is not None and (block.template is None or block.attention == "joint"):
                kind, tokens = (block.attention, block.stage), self._tokens(block)
                whole = self.tables.get(kind, {}).get(tokens, {}).get(block.point)
                if whole is not None:
                    none_gone = {self.family.heads: 0.0}
                    changes = found.setdefault(kind, {}).setdefault(tokens, none_gone)
                    changes[block.heads] = block.ms - whole
        return found

    def _tokens(self, block: BlockCost) -> int:
        tokens = self.family.search_tokens if block.tokens is None else block.tokens
        return self.tokens_beside_all(block.attention, tokens, block.template)

    @cached_property
    def memo(self) -> dict[Any, float]:
        """Costs of layers already interpolated; a search needs the same few thousands of times."""
        return {}

    def __getstate__(self) -> dict[str, Any]:
        """The fields alone: a pickled profile leaves behind what was worked out from them."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def problems(self) -> Iterator[str]:
        """Everything that keeps the figures from being costs."""
        if self.schema != 1:
            yield f"schema must be 1 but is {self.schema}"
        for place, value in _figures(self):
            if not _LEAST <= value <= _MOST:
                yield f"{place} must be a number from {_LEAST:g} to {_MOST:g} but is {value}"
        if not 1 - _ROUNDED <= self.ratios.p50 <= self.ratios.p90 <= self.ratios.p99:
            yield "ratios must be percentiles that rise from 1"
        for name in ("spread", "noise", "elimination_ms"):
            value = getattr(self, name) or 0.0
            if not 0 <= value <= _MOST:
                yield f"{name} must be from 0 to {_MOST:g} but is {value}"
        for name, keys in (
            ("overhead", [(each.attention, each.tokens) for each in self.overhead]),
            ("blocks", [(b.attention, b.stage, b.tokens, b.template, b.point, b.heads) for b in self.blocks]),
        ):
            if not keys:
                yield f"{name} is empty"
            if len(set(keys)) < len(keys):
                yield f"{name} names the same component twice"
        if {each.attention for each in self.overhead} != {x.attention for x in self.overhead if x.tokens is None}:
            yield "overhead lacks a cost at the family's sizes"
        yield from self._size_problems()
        yield from (f"blocks[{i}].ms makes a layer cost less than nothing" for i in self.least_block_ms())

    def _size_problems(self) -> Iterator[str]:
        family = self.family
        for i, (search, template) in enumerate(self.sizes):
            whole = search % family.patch == template % family.patch == 0
            if not (whole and 0 < search <= family.search_size and 0 < template <= family.template_size):
                yield f"sizes[{i}] must be multiples of {family.patch} up to the family's but are {search}, {template}"

    def least_block_ms(self, *, slack: float = 1.0) -> dict[int, float]:
        """Of each block that is too cheap, by its index, the least that it must cost; see `least_block_ms`."""
        return least_block_ms(self.blocks, self.family.dim, eliminating=self.elimination_ms is not None, slack=slack)


_LEAST, _MOST = 1e-9, 1e9
"""Of all figures: no sum, product or ratio of any of them overflows."""

_ROUNDED = 1e-5
"""A file keeps six digits."""


def _figures(profile: Profile) -> Iterator[tuple[str, float]]:
    for name in ("loop_ms", "runs", "threads"):
        yield name, getattr(profile, name)
    for name in ("mean", "p50", "p90", "p99"):
        yield f"ratios.{name}", getattr(profile.ratios, name)
    for i, part in enumerate(profile.overhead):
        yield f"overhead[{i}].ms", part.ms
        if part.tokens is not None:
            yield f"overhead[{i}].tokens", part.tokens
    for i, block in enumerate(profile.blocks):
        yield f"blocks[{i}].ms", block.ms
        for name in ("mlp_hidden", "attn_dims", "mlp_dims", "tokens", "template", "heads"):
            if (count := getattr(block, name)) is not None:
                yield f"blocks[{i}].{name}", count
    for i, validation in enumerate(profile.validation):
        yield f"validation[{i}].predicted_ms", validation.predicted_ms
        yield f"validation[{i}].measured_ms", validation.measured_ms
