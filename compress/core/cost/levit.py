"""A LeViT under a tracker (HiT): stem, layers, shrink attention, bridge. Batch norms are counted apart, not merged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from compress.core.component import Component, Work, linear
from compress.core.spec_fields import StageSpec
from compress.core.tracker_fields import TrackerFields

_VALUES, _SHRINK_VALUES = 2, 4
"""Dimensions of a head's values over those of its keys."""


def levit_components(spec: TrackerFields) -> Iterator[Component]:
    """Everything in front of the corner towers. Only the stem's part of the template is kept between frames."""
    yield _stem(spec)
    grids = _grids(spec)
    for i, stage in enumerate(spec.stages):
        if i:
            yield from _shrink(i, spec.stages[i - 1], stage, grids[i - 1], grids[i])
        for j, layer in enumerate(spec.layers):
            if layer.stage == i:
                yield _layer(f"layers.{j}", stage, layer.mlp_hidden, grids[i])
    yield _bridge(spec, grids[-1])


class _Grid(NamedTuple):
    """Cells on a side of the search crop and of the template at one stage."""

    search: int
    template: int

    @property
    def tokens(self) -> int:
        return self.search**2 + self.template**2


def _grids(spec: TrackerFields) -> list[_Grid]:
    side = spec.template_size // spec.patch
    return [_Grid(spec.grid >> i, side >> i) for i in range(len(spec.stages))]


def _norm(inputs: int, outputs: int, kernel: int = 1) -> int:
    """Parameters of a linear layer or convolution without bias, and of the batch norm behind it."""
    return kernel**2 * inputs * outputs + 2 * outputs


def _stem(spec: TrackerFields) -> Component:
    """Four 3×3 convolutions of stride 2."""
    widths = (3, spec.dim // 8, spec.dim // 4, spec.dim // 2, spec.dim)
    pairs = list(zip(widths, widths[1:], strict=False))

    def work(size: int) -> Work:
        return Work(sum((size >> i + 1) ** 2 * 9 * a * b for i, (a, b) in enumerate(pairs)))

    parameters = sum(_norm(a, b, kernel=3) for a, b in pairs)
    return Component("patches", parameters, template=work(spec.template_size), frame=work(spec.search_size))


def _layer(name: str, stage: StageSpec, hidden: int, grid: _Grid) -> Component:
    keys, values = stage.heads * stage.key_dim, stage.heads * stage.key_dim * _VALUES
    squares = ((0, grid.search - 1), (0, grid.template - 1), (1, grid.search + grid.template - 1))
    parameters = _norm(stage.dim, 2 * keys + values) + _norm(values, stage.dim) + stage.heads * _offsets(squares)
    mlp_parameters, mlp_work = _mlp(stage.dim, hidden, grid.tokens)
    attention = Work(
        linear=grid.tokens * stage.dim * (2 * keys + 2 * values),
        products=grid.tokens**2 * (keys + values),
    )
    return Component(name, parameters + mlp_parameters, frame=attention + mlp_work)


def _shrink(i: int, before: StageSpec, stage: StageSpec, fine: _Grid, coarse: _Grid) -> Iterator[Component]:
    """Attention from every second row and column to all tokens, and the MLP behind it."""
    keys = stage.shrink_heads * stage.key_dim
    values = keys * _SHRINK_VALUES
    far = fine.search + fine.template
    squares = ((0, fine.search - 1), (0, fine.template - 1), (2, far - 1), (1, far - 2))
    parameters = _norm(before.dim, keys + values) + _norm(before.dim, keys) + _norm(values, stage.dim)
    work = Work(
        linear=fine.tokens * before.dim * (keys + values) + coarse.tokens * (before.dim * keys + values * stage.dim),
        products=coarse.tokens * fine.tokens * (keys + values),
    )
    mlp_parameters, mlp_work = _mlp(stage.dim, stage.shrink_hidden, coarse.tokens)
    yield Component(
        f"shrink.{i}", parameters + stage.shrink_heads * _offsets(squares) + mlp_parameters, frame=work + mlp_work
    )


def _mlp(dim: int, hidden: int, tokens: int) -> tuple[int, Work]:
    return _norm(dim, hidden) + _norm(hidden, dim), Work(tokens * 2 * dim * hidden)


def _offsets(squares: tuple[tuple[int, int], ...]) -> int:
    """Distances between two tokens, one bias each a head: the union of squares of (|Δy|, |Δx|), ends included.

    The template lies diagonally below the search crop (HiT, Figure 4b), so distances across the two are a square
    of their own, which overlaps those within the search crop.
    """
    return len({(y, x) for low, high in squares for y in range(low, high + 1) for x in range(low, high + 1)})


def _bridge(spec: TrackerFields, last: _Grid) -> Component:
    """Two transposed 2×2 convolutions of stride 2 back to the first grid, and linear layers to the head's width.

    A transposed convolution does its work for every input cell. Each search token's product with the global vector,
    by which the head weighs it, counts as an attention product.
    """
    first, middle, top = (stage.dim for stage in spec.stages)
    channels, tokens = spec.head.channels, spec.search_tokens
    parameters = 4 * (top * middle + middle * first) + 3 * (middle + first)
    parameters += linear(first, channels) + linear(top, channels)
    up = last.search**2 * 4 * top * middle + (2 * last.search) ** 2 * 4 * middle * first
    work = Work(up + tokens * first * channels + top * channels, products=tokens * channels)
    return Component("bridge", parameters, frame=work)
