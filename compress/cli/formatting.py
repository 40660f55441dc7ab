"""A spec as text: a title and a line for each of its parts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compress.core import ExitSpec, LayerSpec, TrackerSpec

_RECYCLING = {
    "none": "nothing recycled",
    "a": "features of the exit before added behind the adapter",
    "b": "features of the exit before added in front of the adapter",
    "c": "tokens of the exit before read beside its own",
    "d": "features of the exit before added through a gate",
}


def spec_lines(spec: TrackerSpec) -> Iterator[tuple[str, str]]:
    """Title and text of each line, from the input on."""
    yield "crops", _crops(spec)
    yield "tokens", _tokens(spec)
    if not spec.stages:
        yield "width", f"{spec.dim}, {spec.heads} heads"
    yield from _layers(spec)
    if spec.bypass is not None:
        yield "bypass", _bypass(spec)
    for k, each in enumerate(spec.exits):
        yield f"exit {k}", _exit(each, last=each is spec.exits[-1])
    if len(spec.exits) > 1:
        yield "recycling", f"{spec.recycling}: {_RECYCLING[spec.recycling]}"
    yield "head", _head(spec)
    if spec.precision != "fp32":
        yield "precision", f"{spec.precision}, where the target leaves it open; trained in fp32"


def _crops(spec: TrackerSpec) -> str:
    sizes = (
        f"template {spec.template_size} px ({spec.template_factor:g} × the box)",
        f"search {spec.search_size} px ({spec.search_factor:g} × the box)",
        f"patch {spec.patch} px",
    )
    return ", ".join(sizes)


def _tokens(spec: TrackerSpec) -> str:
    templates = f"{1 + spec.online_templates} × " if spec.online_templates else ""
    left = len(spec.template_places)
    some = f"{left} of " * (left < spec.template_patches)
    text = [f"template {templates}{some}{spec.template_patches}"]
    if spec.online_templates:
        text[0] += f" ({spec.online_templates} online)"
    text.append(f"search {spec.search_tokens}")
    text += ["1 for the target box"] * spec.target_token
    text += ["4 for prediction"] * (spec.head.kind == "tokens")
    text += ["1 for bypass"] * (spec.bypass is not None) + ["1 for the exits' score"] * bool(spec.exits)
    return ", ".join(text) + f"; {spec.position} positions" * (not spec.stages)


def _layers(spec: TrackerSpec) -> Iterator[tuple[str, str]]:
    """Neighbouring layers that differ in nothing but their source share a line."""
    for stage, layers in groupby(spec.layers, key=lambda layer: layer.stage):
        if spec.stages:
            yield f"stage {stage}", _stage(spec, stage)
        for _, group in groupby(layers, key=_content):
            same = list(group)
            yield (
                f"{len(same):2} × layer",
                f"{_layer(same[0], spec.keep_by)}, from {' '.join(str(each.source) for each in same)}",
            )


def _stage(spec: TrackerSpec, index: int) -> str:
    stage = spec.stages[index]
    text = f"width {stage.dim}, {stage.heads} heads, keys of {stage.key_dim}"
    if not stage.shrink_heads:
        return text
    return f"shrunk by {stage.shrink_heads} heads and an MLP of {stage.shrink_hidden}; {text}"


def _content(layer: LayerSpec) -> tuple[object, ...]:
    return layer.attention, layer.mlp_hidden, layer.attn_dims, layer.mlp_dims, layer.keep, layer.heads


def _layer(layer: LayerSpec, keep_by: str) -> str:
    text = f"{layer.attention}, MLP {layer.mlp_hidden}"
    if layer.attn_dims or layer.mlp_dims:
        text += f", kept {layer.attn_dims or 'all'} / {layer.mlp_dims or 'all'} (attention / MLP)"
    if layer.heads is not None:
        text += f", {layer.heads} head{'s' * (layer.heads > 1)}"
    if layer.keep is not None:
        text += f", passes on {layer.keep:g} of the search tokens, by {keep_by}"
    return text


def _bypass(spec: TrackerSpec) -> str:
    assert spec.bypass is not None
    layers, bypass = spec.skippable, spec.bypass
    which = f"layers {layers[0]} to {layers[-1]}" if len(layers) > 1 else f"layer {layers[0]}"
    zeta = f"{bypass.zeta:g}".replace("-", "−")
    return f"{which}, from 0, skipped where p > {bypass.rho:g}; trained toward {bypass.tau0:g} (ζ = {zeta})"


def _exit(each: ExitSpec, *, last: bool) -> str:
    adapter = f"adapter of {each.adapter} layer{'s' * (each.adapter != 1)}" if each.adapter else "no adapter"
    taken = "always taken" if last else f"taken where the predicted IoU exceeds {each.tau:g}"
    return f"after {each.after} layers, {adapter}, {taken}"


def _head(spec: TrackerSpec) -> str:
    head = spec.head
    if head.kind == "tokens":
        text = f"tokens, {head.bins} bins" + ", and a score" * head.score
    else:
        text = f"{head.kind}, {head.channels} channels" + ", RepVGG blocks" * head.reparam
    norm = ", behind a final norm" if spec.final_norm else ""
    return f"{text}{norm}{', one for each exit' if spec.exits else ''}"
