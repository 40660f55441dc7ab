"""What makes a `TrackerSpec` impossible."""

from __future__ import annotations

import math
from collections.abc import Iterator

from compress.core.backbones.rules import BACKBONES
from compress.core.errors import unknown_name
from compress.core.limits import size_problems
from compress.core.spec_fields import ExitSpec, LayerSpec
from compress.core.tracker_fields import TrackerFields

_MOST_ADAPTER = 12


def problems(spec: TrackerFields) -> Iterator[str]:
    """One line per field that holds an impossible value."""
    if spec.backbone not in BACKBONES:
        yield str(unknown_name("backbone", str(spec.backbone), BACKBONES)).rstrip(".?")
        return
    for name in ("dim", "heads", "patch", "template_size", "search_size"):
        value = getattr(spec, name)
        if not isinstance(value, int) or value < 1:
            yield f"{name} must be a positive integer but is {value!r}"
            return
    too_large = list(size_problems(spec))
    if too_large:  # nothing else is computed of such a spec
        yield from too_large
        return
    yield from _sizes(spec)
    yield from _head(spec)
    if not spec.layers:
        yield "layers must hold at least one layer"
        return
    for i, layer in enumerate(spec.layers):
        yield from _layer(spec, i, layer)
    yield from _attention(spec)
    yield from _keep_least(spec)
    if spec.keep_template is not None and not 0 < spec.keep_template < 1:
        yield f"keep_template must be above 0 and below 1 but is {spec.keep_template}"
    yield from _bypass(spec)
    yield from _exits(spec)
    yield from BACKBONES[spec.backbone].problems(spec)


def _sizes(spec: TrackerFields) -> Iterator[str]:
    if spec.dim % spec.heads:
        yield f"dim {spec.dim} is not a multiple of heads {spec.heads}"
    for name in ("template_size", "search_size"):
        if getattr(spec, name) % spec.patch:
            yield f"{name} {getattr(spec, name)} is not a multiple of patch {spec.patch}"
    for name in ("template_factor", "search_factor"):
        if not 1 <= getattr(spec, name) <= 16:
            yield f"{name} must be in [1, 16] but is {getattr(spec, name)!r}"
    if not 0 <= spec.online_templates <= 16:
        yield f"online_templates must be in [0, 16] but is {spec.online_templates}"
    if spec.position == "sincos" and spec.dim % 4:
        yield f"position sincos needs a dim that is a multiple of 4 but it is {spec.dim}"


def _head(spec: TrackerFields) -> Iterator[str]:
    head = spec.head
    if head.channels < 8 or head.channels % 8:
        yield f"head.channels must be a positive multiple of 8 but is {head.channels!r}"
    if (head.kind == "tokens") != (head.bins > 1):
        yield f"head.bins must be ≥ 2 for a tokens head and 0 for others but is {head.bins} for a {head.kind} head"
    if head.score and head.kind != "tokens":
        yield f"head.score needs a tokens head but the head is {head.kind}"
    if head.reparam and head.kind != "corner":
        yield f"head.reparam needs a corner head but the head is {head.kind}"


def _layer(spec: TrackerFields, i: int, layer: LayerSpec) -> Iterator[str]:
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
    if layer.heads is not None and not 0 < layer.heads < spec.heads:
        yield f"layers[{i}].heads must be in [1, heads − 1], below {spec.heads}, but is {layer.heads}"
    if layer.keep is None:
        return
    if not 0 < layer.keep < 1:
        yield f"layers[{i}].keep must be above 0 and below 1 but is {layer.keep}"
    if layer.attention != "joint":
        yield f"layers[{i}].keep needs joint attention, but the layer's is {layer.attention}"
    if spec.extra_tokens:
        yield f"layers[{i}].keep goes with neither prediction tokens nor bypass nor exits"


def _keep_least(spec: TrackerFields) -> Iterator[str]:
    least = spec.keep_least
    if least is None:
        return
    if not 0 < least < 1:
        yield f"keep_least must be above 0 and below 1 but is {least}"
    for i, layer in enumerate(spec.layers):
        if layer.keep is not None and layer.keep < least:
            yield f"layers[{i}].keep must be at least keep_least, {least}, but is {layer.keep}"


def _attention(spec: TrackerFields) -> Iterator[str]:
    kinds = "".join("A" if x == "AI" else x[0] for x in (layer.attention for layer in spec.layers))
    split = kinds == "F" * kinds.count("F") + "A" * kinds.count("A") and "A" in kinds
    if not (set(kinds) in ({"j"}, {"a"}) or split):
        yield "layers must be all joint, all asymmetric, or FE…FE followed by at least one AI"


def _bypass(spec: TrackerFields) -> Iterator[str]:
    bypass, depth = spec.bypass, len(spec.layers)
    if bypass is None:
        return
    if not 0 <= bypass.n_enf < depth:
        yield f"bypass.n_enf must be in [0, {depth - 1}], below the depth {depth}, but is {bypass.n_enf}"
    for name in ("tau0", "rho"):
        if not 0 <= getattr(bypass, name) <= 1:
            yield f"bypass.{name} must be in [0, 1] but is {getattr(bypass, name)}"
    if not -1 <= bypass.zeta <= 1:
        yield f"bypass.zeta must be in [−1, 1] but is {bypass.zeta}"


def _exits(spec: TrackerFields) -> Iterator[str]:
    if not spec.exits:
        return
    depth, apart = len(spec.layers), spec.count("FE")
    if spec.head.kind not in ("centre", "corner"):
        yield f"exits need a centre or corner head but the head is {spec.head.kind}"
    for i, each in enumerate(spec.exits):
        if not 1 <= each.after <= depth:
            yield f"exits[{i}].after must be in [1, {depth}], within the depth {depth}, but is {each.after}"
        if 1 <= each.after <= apart:
            yield f"exits[{i}].after must be above {apart}, the FE layers that see no template, but is {each.after}"
        if i and each.after <= spec.exits[i - 1].after:
            yield f"exits[{i}].after must be above {spec.exits[i - 1].after}, the exit before it, but is {each.after}"
        if not 0 <= each.adapter <= _MOST_ADAPTER:
            yield f"exits[{i}].adapter must be in [0, {_MOST_ADAPTER}] but is {each.adapter}"
        if not (math.isfinite(each.tau) and 0 <= each.tau <= 1):
            yield f"exits[{i}].tau must be in [0, 1] but is {each.tau}"
    if spec.exits[-1].after != depth:
        yield f"exits must end behind the last layer, {depth}, but end after {spec.exits[-1].after}"
    if spec.exits[-1].tau != ExitSpec.tau:
        yield "exits[-1].tau has no meaning: the last exit is always taken; leave it out"
