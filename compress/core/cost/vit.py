"""A plain ViT: patches, positions, learned tokens, layers, bypass decision modules, final norm."""

from __future__ import annotations

from collections.abc import Iterator

from compress.core.component import NOTHING, Component, Work, linear
from compress.core.spec_fields import LayerSpec
from compress.core.tracker_fields import TrackerFields


def vit_components(spec: TrackerFields) -> Iterator[Component]:
    """Everything in front of the head or the exits."""
    dim, templates = spec.dim, 1 + spec.online_templates
    kernel = 3 * spec.patch**2
    yield Component(
        "patches",
        linear(kernel, dim),
        template=Work(templates * spec.template_patches * kernel * dim),
        frame=Work(spec.search_tokens * kernel * dim),
    )
    yield Component("positions", (spec.template_patches + spec.search_tokens) * dim)
    if spec.extra_tokens:
        yield Component("extra tokens", spec.extra_tokens * dim)
    if spec.target_token:
        yield Component("target token", linear(4, 4) + linear(4, dim), template=Work(4 * 4 + 4 * dim))
    yield from _layers(spec)
    if spec.final_norm and not spec.exits:
        yield Component("norm", 2 * dim)


def frame_tokens(spec: TrackerFields) -> int:
    """Tokens that go through the layers for every frame, unless some are eliminated."""
    kept = spec.template_tokens if spec.attention == "joint" else 0
    return kept + spec.search_tokens + spec.extra_tokens


def layer_parameters(spec: TrackerFields, layer: LayerSpec) -> int:
    """Of one block: two layer norms, attention, MLP."""
    dim, attn, mlp, hidden = spec.dim, layer.attn_dims or spec.dim, layer.mlp_dims or spec.dim, layer.mlp_hidden
    keys, values = attention_widths(spec, layer)
    attention = linear(attn, 2 * keys + values) + linear(values, dim)
    return 4 * dim + attention + linear(mlp, hidden) + linear(hidden, dim)


def attention_widths(spec: TrackerFields, layer: LayerSpec) -> tuple[int, int]:
    """Dimensions of all keys, and of all values, of a layer's heads."""
    heads = layer.heads or spec.heads
    return heads * (spec.dim // spec.heads), heads * ((layer.attn_dims or spec.dim) // spec.heads)


def layer_work(spec: TrackerFields, layer: LayerSpec, tokens: int, memory: int = 0, *, dropped: int = 0) -> Work:
    """One block over `tokens`, which see `memory` tokens more; `dropped` leave before the MLP.

    Elimination computes the attention of one template token a second time: fused attention does not return it.
    """
    dim, attn, mlp, hidden = spec.dim, layer.attn_dims or spec.dim, layer.mlp_dims or spec.dim, layer.mlp_hidden
    keys, values = attention_widths(spec, layer)
    left = tokens - dropped
    ranking = 0 if layer.keep is None else tokens * keys
    return Work(
        linear=tokens * (attn * (2 * keys + values) + values * dim) + left * hidden * (mlp + dim),
        products=tokens * (tokens + memory) * (keys + values) + ranking,
        # v at full width, and an MLP `dim / mlp` times as wide.
        unread=tokens * attn * (keys - values) + left * hidden * (dim - mlp),
    )


def _layers(spec: TrackerFields) -> Iterator[Component]:
    after = spec.search_tokens_after
    beside = frame_tokens(spec) - spec.search_tokens
    for i, (layer, enter, leave) in enumerate(zip(spec.layers, (spec.search_tokens, *after), after, strict=False)):
        work = layer_work(spec, layer, beside + enter, _memory(spec, layer), dropped=enter - leave)
        skipped_with = i if spec.bypass and i in spec.skippable else None
        if skipped_with is not None:
            yield Component(f"bypass.{i}", linear(spec.dim, 1), frame=Work(spec.dim), depth=i + 1)
        yield Component(
            f"layers.{i}",
            layer_parameters(spec, layer),
            template=_template_work(spec, layer),
            frame=work,
            depth=i + 1,
            layer=skipped_with,
        )


def _memory(spec: TrackerFields, layer: LayerSpec) -> int:
    """Template tokens whose cached keys and values a layer sees; LiteTrack's target token is gone by then."""
    if layer.attention == "asymmetric":
        return spec.template_tokens
    return spec.memory_patches if layer.attention == "AI" else 0


def _template_work(spec: TrackerFields, layer: LayerSpec) -> Work:
    """The template's own pass through a layer, and for an AI layer the keys and values of its finished features."""
    if spec.attention == "joint":
        return NOTHING
    own = layer_work(spec, layer, spec.template_tokens)
    if layer.attention != "AI":
        return own
    attn, tokens = layer.attn_dims or spec.dim, spec.memory_patches
    keys, values = attention_widths(spec, layer)
    return own + Work(tokens * attn * (keys + values), unread=tokens * attn * (keys - values))
