"""Exits: decisioners behind some layers, each with a box head of its own (DyTrack)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from compress.core.component import NOTHING, Component, Work, linear
from compress.core.cost.heads import head_component
from compress.core.cost.vit import frame_tokens, layer_parameters, layer_work
from compress.core.spec_fields import ExitSpec, LayerSpec
from compress.core.tracker_fields import TrackerFields


def exit_components(spec: TrackerFields) -> Iterator[Component]:
    """A decisioner and a head for each exit; a frame meets every decisioner up to its own exit's, and that one head."""
    for k, each in enumerate(spec.exits):
        recycling = spec.recycling if k else "none"
        yield _decisioner(spec, f"exits.{k}", each, recycling)
        yield _exit_head(spec, f"exits.{k}.head", each)


def _decisioner(spec: TrackerFields, name: str, each: ExitSpec, recycling: str) -> Component:
    """Recycling, adapter layers over all tokens of the frame, a 3-layer MLP over the IoU token."""
    dim, tokens = spec.dim, frame_tokens(spec)
    block = LayerSpec(source=0, mlp_hidden=spec.layers[each.after - 1].mlp_hidden)
    # Schema c reads the recycled tokens beside the frame's own; schema d has two linear layers without bias.
    adapted = 2 * tokens if recycling == "c" else tokens
    gate = 2 * dim * dim if recycling == "d" else 0
    adapter = sum((layer_work(spec, block, adapted) for _ in range(each.adapter)), NOTHING)
    parameters = gate + each.adapter * layer_parameters(spec, block) + 2 * linear(dim, dim) + linear(dim, 1)
    return Component(name, parameters, frame=adapter + Work(tokens * gate + 2 * dim * dim + dim), depth=each.after)


def _exit_head(spec: TrackerFields, name: str, each: ExitSpec) -> Component:
    """Norm and projection of the search tokens, and the box head."""
    head = head_component(spec)
    norm = 2 * spec.dim if spec.final_norm else 0
    work = head.frame + Work(spec.search_tokens * spec.dim**2)
    parameters = head.parameters + norm + linear(spec.dim, spec.dim)
    return replace(head, name=name, parameters=parameters, frame=work, depth=each.after, last=True)
