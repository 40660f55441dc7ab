"""HiT in its published keys, filled by the rule of the recorded figures."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import torch
from torch import Tensor

from compress.core import StageSpec, TrackerSpec
from compress.testing.published import fill_mixformer

Shapes = dict[str, tuple[int, ...]]
_INDICES = "attention_bias_idxs"


def published_shapes(spec: TrackerSpec) -> Shapes:
    """The keys a published checkpoint of this tracker holds."""
    shapes = dict(_stem(spec.dim))
    for number, block in enumerate(_blocks(spec)):
        shapes |= {f"backbone.body.blocks.{number}.{key}": shape for key, shape in block.items()}
    return shapes | _bottleneck(spec) | _head(spec.head.channels)


def filled(spec: TrackerSpec) -> dict[str, Tensor]:
    """A published state dict by the rule, its indices as they are published."""
    shapes = published_shapes(spec)
    floats = {key: shape for key, shape in shapes.items() if not key.endswith(_INDICES)}
    tables = {key: offset_numbers(*sides) for key, sides in _tables(spec).items()}
    return fill_mixformer.filled(floats) | tables


@cache
def offset_numbers(search: int, template: int, step: int = 1) -> Tensor:
    """(queries, keys): for every pair of points the number of its offset, in the order in which offsets are met.

    The template's points lie below and to the right of those of the search crop; queries are every `step`-th.
    """

    def points(step: int) -> list[tuple[int, int]]:
        grids = [(0, search), (search, search + template)]
        return [(y, x) for low, high in grids for y in range(low, high, step) for x in range(low, high, step)]

    numbers: dict[tuple[int, int], int] = {}
    rows = [[(abs(y - v), abs(x - u)) for v, u in points(1)] for y, x in points(step)]
    return torch.tensor([[numbers.setdefault(offset, len(numbers)) for offset in row] for row in rows])


def _tables(spec: TrackerSpec) -> dict[str, tuple[int, int, int]]:
    """Sides of the two grids and step of every table of indices, by key."""
    tables, search, template = {}, spec.grid, spec.template_size // spec.patch
    for number, block in enumerate(_blocks(spec)):
        key = f"backbone.body.blocks.{number}."
        if f"m.{_INDICES}" in block:
            tables[f"{key}m.{_INDICES}"] = search, template, 1
        elif _INDICES in block:
            tables[key + _INDICES] = search, template, 2
            search, template = search // 2, template // 2
    return tables


def _blocks(spec: TrackerSpec) -> Iterator[Shapes]:
    """All blocks in a row: attention and MLP of every layer, and of the shrinking before every later stage."""
    search, template = spec.grid, spec.template_size // spec.patch
    for i, stage in enumerate(spec.stages):
        if i:
            yield _shrink(spec.stages[i - 1].dim, stage, offset_numbers(search, template, 2))
            yield _mlp(stage.dim, stage.shrink_hidden)
            search, template = search // 2, template // 2
        for layer in (layer for layer in spec.layers if layer.stage == i):
            yield _attention(stage, offset_numbers(search, template))
            yield _mlp(stage.dim, layer.mlp_hidden)


def _attention(stage: StageSpec, numbers: Tensor) -> Shapes:
    keys = stage.heads * stage.key_dim
    shapes = {"m.attention_biases": (stage.heads, int(numbers.max()) + 1), f"m.{_INDICES}": tuple(numbers.shape)}
    return shapes | _normed("m.qkv", 4 * keys, stage.dim) | _normed("m.proj.1", stage.dim, 2 * keys)


def _shrink(inputs: int, stage: StageSpec, numbers: Tensor) -> Shapes:
    keys = stage.shrink_heads * stage.key_dim
    shapes = {"attention_biases": (stage.shrink_heads, int(numbers.max()) + 1), _INDICES: tuple(numbers.shape)}
    matrices = _normed("kv", 5 * keys, inputs) | _normed("q.1", keys, inputs)
    return shapes | matrices | _normed("proj.1", stage.dim, 4 * keys)


def _mlp(dim: int, hidden: int) -> Shapes:
    return _normed("m.0", hidden, dim) | _normed("m.2", dim, hidden)


def _stem(dim: int) -> Shapes:
    widths = [3, dim // 8, dim // 4, dim // 2, dim]
    names = [f"backbone.body.patch_embed.{i}" for i in (0, 2, 4, 6)]
    return {
        key: shape
        for i, name in enumerate(names)
        for key, shape in _normed(name, widths[i + 1], widths[i], 3, 3).items()
    }


def _bottleneck(spec: TrackerSpec) -> Shapes:
    first, middle, last = (stage.dim for stage in spec.stages)
    shapes: Shapes = {}
    for i, (inputs, outputs) in enumerate([(last, middle), (middle, first)]):
        name = f"bottleneck.layers.{i}"
        shapes |= {f"{name}.0.weight": (inputs, outputs, 2, 2), f"{name}.0.bias": (outputs,)}
        shapes |= _norm(f"{name}.1", outputs)
    width = spec.head.channels
    for name, inputs in (("proj1", first), ("proj2", last)):
        shapes |= {f"bottleneck.{name}.weight": (width, inputs), f"bottleneck.{name}.bias": (width,)}
    return shapes


def _head(channels: int) -> Shapes:
    widths = [channels, channels, channels // 2, channels // 4, channels // 8]
    shapes: Shapes = {}
    for corner in ("tl", "br"):
        for i in range(4):
            name = f"box_head.conv{i + 1}_{corner}"
            shapes |= {f"{name}.0.weight": (widths[i + 1], widths[i], 3, 3), f"{name}.0.bias": (widths[i + 1],)}
            shapes |= _norm(f"{name}.1", widths[i + 1])
        last = f"box_head.conv5_{corner}"
        shapes |= {f"{last}.weight": (1, widths[4], 1, 1), f"{last}.bias": (1,)}
    return shapes


def _normed(name: str, outputs: int, *inputs: int) -> Shapes:
    return {f"{name}.c.weight": (outputs, *inputs)} | _norm(f"{name}.bn", outputs)


def _norm(name: str, width: int) -> Shapes:
    floats = dict.fromkeys((f"{name}.{key}" for key in ("weight", "bias", "running_mean", "running_var")), (width,))
    return floats | {f"{name}.num_batches_tracked": ()}
