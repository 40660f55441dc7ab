"""What a frame costs in the terms of the estimates: kernels launched and multiply-accumulates.

Both are kept per distinct layer: a search estimates thousands of trackers made of the same few layers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import NamedTuple

from compress.core import LayerSpec, TrackerSpec
from compress.core.cost import components, macs
from compress.core.stages import stages
from compress.latency.estimated.launches import RULES, PublishedRuntime


class FrameCost(NamedTuple):
    """Kernel launches and billions of multiply-accumulates."""

    launches: float
    gmacs: float

    def plus(self, other: FrameCost) -> FrameCost:
        """The sum of both."""
        return FrameCost(self.launches + other.launches, self.gmacs + other.gmacs)

    def times(self, factor: float) -> FrameCost:
        """`factor` times as much."""
        return FrameCost(self.launches * factor, self.gmacs * factor)


_NO_COST = FrameCost(0, 0)


def frame_work(
    spec: TrackerSpec, runtime: PublishedRuntime, *, skipped: Collection[int] = (), exit: int | None = None
) -> FrameCost:
    """One frame on one path, what is kept of the template at hand; `skipped` and `exit` as in `compress.core.macs`.

    Raises:
        UsageError: a layer that is never skipped, or an exit that there is not.
    """
    if not _is_path(spec, skipped, exit):
        macs(spec, skipped=skipped, exit=exit)
    table, rule = _family_costs(_family(spec, runtime)), RULES[runtime]
    end = len(spec.layers) if exit is None else spec.exits[exit].after
    launches, gmacs = table.rest(spec)
    for i, key in enumerate(_layer_keys(spec)):
        if i < end and i not in skipped:
            layer = table.layer(spec, key)
            launches += layer[0]
            gmacs += layer[1]
    found = FrameCost(launches, gmacs)
    if spec.adaptive or spec.exits:
        for each in _routing_overhead(spec, table, end):
            found = found.plus(each)
        calls = sum(last <= end and gated not in skipped for last, gated in table.stages(spec))
        found = found.plus(FrameCost(rule.boundary * (calls - 1), 0))
    return found


def expected_work(
    spec: TrackerSpec, runtime: PublishedRuntime, *, skipped_share: float = 0.0, exit: int | None = None
) -> FrameCost:
    """The mean over frames that skip `skipped_share` of what bypass may skip in front of `exit`."""
    whole = frame_work(spec, runtime, exit=exit)
    if not skipped_share or not spec.skippable:
        return whole
    least = frame_work(spec, runtime, skipped=spec.skippable, exit=exit)
    return whole.times(1 - skipped_share).plus(least.times(skipped_share))


def template_work(spec: TrackerSpec, runtime: PublishedRuntime) -> FrameCost:
    """All template work: once per sequence here, in every frame in some published code."""
    return FrameCost(RULES[runtime].of_template(spec), sum(each.template.done for each in components(spec)) / 1e9)


def _is_path(spec: TrackerSpec, skipped: Collection[int], exit: int | None) -> bool:
    return all(i in spec.skippable for i in skipped) and (exit is None or 0 <= exit < len(spec.exits))


def _routing_overhead(spec: TrackerSpec, table: _FamilyCosts, end: int) -> Iterator[FrameCost]:
    """Bypass decisions met, exits' decisioners met, and the head of the exit taken."""
    rule = RULES[table.runtime]
    met = sum(i < end for i in spec.skippable)
    yield FrameCost(met * rule.decision, met * spec.dim / 1e9)
    for k, each in enumerate(spec.exits):
        if each.after <= end:
            decisioner, head = table.exit(spec, k)
            yield decisioner
            if each.after == end:
                yield head


_LayerKey = tuple[str, int, int | None, int | None, int | None, float | None, int, int]
_ExitKey = tuple[int, int, str]
_StagesKey = tuple[int, int, tuple[int, ...]]
_Family = tuple[object, ...]


def _family(spec: TrackerSpec, runtime: PublishedRuntime) -> _Family:
    """Everything the cost of a component depends on, except its own layer or exit; the runtime comes first."""
    shape = (spec.backbone, spec.dim, spec.patch, spec.template_size, spec.search_size, spec.head, spec.stages)
    tokens = (spec.target_token, spec.online_templates, spec.extra_tokens, spec.attention)
    return (runtime, *shape, *tokens, spec.final_norm, bool(spec.exits), spec.keep_by, spec.keep_template)


def _layer_keys(spec: TrackerSpec) -> Iterator[_LayerKey]:
    counts = (spec.search_tokens, *spec.search_tokens_after)
    for layer, enter in zip(spec.layers, counts, strict=False):
        yield _layer_key(layer, enter)


def _layer_key(layer: LayerSpec, enter: int) -> _LayerKey:
    widths = (layer.mlp_hidden, layer.attn_dims, layer.mlp_dims, layer.heads)
    return layer.attention, *widths, layer.keep, layer.stage, enter


class _FamilyCosts:
    """Costs of the components of one family's trackers, computed when first needed."""

    def __init__(self, runtime: PublishedRuntime) -> None:
        self.runtime = runtime
        self._rest: FrameCost | None = None
        self._layers: dict[_LayerKey, FrameCost] = {}
        self._exits: dict[_ExitKey, tuple[FrameCost, FrameCost]] = {}
        self._stages: dict[_StagesKey, tuple[tuple[int, int | None], ...]] = {}

    def rest(self, spec: TrackerSpec) -> FrameCost:
        """Everything but layers, bypass decisions and exits."""
        return self._compute(spec) if self._rest is None else self._rest

    def layer(self, spec: TrackerSpec, key: _LayerKey) -> FrameCost:
        if key not in self._layers:
            self._compute(spec)
        return self._layers[key]

    def exit(self, spec: TrackerSpec, k: int) -> tuple[FrameCost, FrameCost]:
        """The decisioner of exit `k`, and its head."""
        each = spec.exits[k]
        key = (each.adapter, spec.layers[each.after - 1].mlp_hidden, spec.recycling if k else "none")
        if key not in self._exits:
            self._exits[key] = self._compute_exit(spec, k)
        return self._exits[key]

    def stages(self, spec: TrackerSpec) -> tuple[tuple[int, int | None], ...]:
        """Of each stage the layers behind it, from the input on, and the layer it is gated with."""
        key = (len(spec.layers), spec.skippable.start, tuple(each.after for each in spec.exits))
        if key not in self._stages:
            self._stages[key] = tuple((each.last, each.first if each.gated else None) for each in stages(spec))
        return self._stages[key]

    def _compute(self, spec: TrackerSpec) -> FrameCost:
        rule, keys, rest = RULES[self.runtime], list(_layer_keys(spec)), _NO_COST
        for each in components(spec):
            kind, _, index = each.name.partition(".")
            gmacs = each.frame.done / 1e9
            if kind == "layers":
                i = int(index)
                self._layers[keys[i]] = FrameCost(rule.of_layer(spec, spec.layers[i]), gmacs)
            elif kind not in ("bypass", "exits"):
                rest = rest.plus(FrameCost(rule.of_component(spec, each.name), gmacs))
        self._rest = rest
        return rest

    def _compute_exit(self, spec: TrackerSpec, k: int) -> tuple[FrameCost, FrameCost]:
        rule, name = RULES[self.runtime], f"exits.{k}"
        gmacs = {each.name: each.frame.done / 1e9 for each in components(spec)}
        launches = rule.exit_decision + spec.exits[k].adapter * rule.adapter_layer
        head = FrameCost(rule.of_component(spec, f"{name}.head"), gmacs[f"{name}.head"])
        return FrameCost(launches, gmacs[name]), head


@lru_cache(maxsize=256)
def _family_costs(family: _Family) -> _FamilyCosts:
    return _FamilyCosts(family[0])  # type: ignore[arg-type]  # the runtime
