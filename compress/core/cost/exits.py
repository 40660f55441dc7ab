"""Exits: decisioners behind some layers, each with a box head of its own (DyTrack)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from compress.core.cost.heads import head_part
from compress.core.cost.part import Part, Work, linear
from compress.core.cost.vit import frame_tokens, layer_parameters, layer_work
from compress.core.parts import ExitSpec, LayerSpec
from compress.core.spec import TrackerSpec


def exit_parts(spec: TrackerSpec) -> Iterator[Part]:
    """A decisioner and a head for each exit; a frame goes through every decisioner up to its own exit's."""
    for k, each in enumerate(spec.exits):
        yield _decisioner(spec, k, each)
        yield replace(head_part(spec), name=f"exits.{k}.head", depth=each.after, last=True)


def _decisioner(spec: TrackerSpec, k: int, each: ExitSpec) -> Part:
    """Adapter layers, norm, projection, and a 3-layer MLP that predicts the IoU from one token."""
    dim, tokens = spec.dim, frame_tokens(spec)
    block = LayerSpec(source=0, mlp_hidden=spec.layers[each.after - 1].mlp_hidden)
    held = each.adapter * layer_parameters(dim, block) + (2 * dim if spec.final_norm else 0)
    held += linear(dim, dim) + 2 * linear(dim, dim) + linear(dim, 1)
    work = Work(tokens * dim * dim + 2 * dim * dim + dim)
    for _ in range(each.adapter):
        work += layer_work(dim, block, tokens)
    return Part(f"exits.{k}", held, frame=work, depth=each.after)
