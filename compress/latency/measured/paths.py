"""The cost of one execution path: the layers computed on it, its decisions, and running in stages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from compress.core import Attention, ExecutionPath, LayerSpec, TrackerSpec, cheapest_path, worst_path
from compress.core.stages import stages_of
from compress.latency.measured.components import components_p10_ms, uncovered
from compress.latency.measured.layers import layer_ms, mlp_ms
from compress.latency.measured.profile import Profile
from compress.latency.measured.profile_fields import RoutingOverhead

_NO_OVERHEAD = RoutingOverhead(0.0, 0.0, 0.0, 0.0)


def path_ms(profile: Profile, spec: TrackerSpec, path: ExecutionPath) -> float:
    """10th percentile of the frame loop where every frame takes one path. Raises as `path_network_ms`."""
    return path_network_ms(profile, spec, path) + profile.loop_ms


def path_network_ms(profile: Profile, spec: TrackerSpec, path: ExecutionPath) -> float:
    """10th percentile of the network within the loop where every frame takes `path`.

    Raises:
        UncoveredError: naming every component of `spec` that the profile does not cover.
        UsageError: `spec` has no such path.
    """
    costs = routing_overhead_costs(profile, spec)
    resolved = _resolved(spec, path)
    components = components_p10_ms(profile, spec)
    computed = sum(components[f"layers.{i}"] for i in range(resolved.end(spec)) if i not in (resolved.skipped or ()))
    run = stages_of(spec, resolved)
    passed = [each.exit for each in run if each.exit is not None]
    adapters = sum(_adapter_ms(profile, spec, exit) for exit in passed)
    slower = 1 + costs.layer_share * spec.adaptive
    staged = costs.frame_ms + len(run) * costs.call_ms if spec.adaptive else 0.0
    return components["rest"] + slower * (computed + adapters) + staged + len(passed) * costs.exit_ms


def optimistic_network_ms(profile: Profile, spec: TrackerSpec) -> float:
    """The bound before execution paths have been counted: the share τ0 of the layers skipped, and the first exit taken.

    Every layer that may be skipped is computed for 1 − τ0 of the frames, so that its share of the cost counts.
    Raises as `path_network_ms`.
    """
    cheapest = cheapest_path(spec)
    whole, least = (path_network_ms(profile, spec, path) for path in (replace(cheapest, skipped=frozenset()), cheapest))
    return whole if spec.bypass is None else whole + spec.bypass.tau0 * (least - whole)


def shares(paths: Mapping[ExecutionPath, int]) -> Iterator[tuple[float, ExecutionPath]]:
    """The share of the frames that took each path; `paths` counts at least one."""
    frames = sum(paths.values())
    yield from ((count / frames, path) for path, count in paths.items() if count)


def routing_overhead_costs(profile: Profile, spec: TrackerSpec) -> RoutingOverhead:
    """The routing overhead of a profile; all zero for a tracker without bypass and exits.

    Raises:
        UncoveredError: the profile has none.
    """
    if not (spec.bypass or spec.exits):
        return _NO_OVERHEAD
    if profile.routing_overhead is None:
        raise uncovered(profile, spec, ["what bypass and exits cost"])
    return profile.routing_overhead


def _resolved(spec: TrackerSpec, path: ExecutionPath) -> ExecutionPath:
    """`path` with the worst in place of what it leaves open."""
    path.check(spec)
    worst = worst_path(spec)
    return ExecutionPath(
        worst.skipped if path.skipped is None else path.skipped,
        worst.exit if path.exit is None else path.exit,
    )


def _adapter_ms(profile: Profile, spec: TrackerSpec, exit: int) -> float:
    """Adapter layers and recycling of an exit; both see what goes through the layers for every frame."""
    each, recycling = spec.exits[exit], spec.recycling if exit else "none"
    attention: Attention = "joint" if spec.attention == "joint" else _search_only_attention(profile, spec)
    layer = LayerSpec(source=0, mlp_hidden=spec.layers[each.after - 1].mlp_hidden, attention=attention)
    tokens, template = spec.search_tokens, len(spec.template_places)
    block = layer_ms(profile, layer, tokens, tokens, template) if each.adapter or recycling == "d" else 0.0
    # Recycling c has an adapter read twice as many tokens; d has two more linear layers, an MLP of `dim` hidden units.
    twice = 2 if recycling == "c" else 1
    gate = mlp_ms(profile, layer, spec.dim, tokens, template) if recycling == "d" else 0.0
    return each.adapter * twice * block + gate


def _search_only_attention(profile: Profile, spec: TrackerSpec) -> Attention:
    """The attention of layers that see the search crop alone, or what comes nearest among those measured."""
    return "FE" if ("FE", 0) in profile.tables else spec.layers[-1].attention
