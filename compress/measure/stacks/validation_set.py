"""Whole trackers that a profile is held against: shallow, deep, split and off-grid ones, by name."""

from __future__ import annotations

import dataclasses

from compress.core import Attention, TrackerSpec
from compress.latency import Point
from compress.measure.coverage import Coverage
from compress.measure.stacks.levit import levit_tracker
from compress.measure.stacks.vit import vit_tracker


def validation_set(teacher: TrackerSpec, coverage: Coverage) -> dict[str, TrackerSpec]:
    """Trackers for the scale and the held-back error."""
    return _levit(teacher, coverage) if teacher.backbone == "levit" else _vit(teacher, coverage)


def _vit(teacher: TrackerSpec, coverage: Coverage) -> dict[str, TrackerSpec]:
    low, high = coverage.mlp_hidden[0]
    full: Point = (None, high, None)
    heads = teacher.heads
    middle: Point = (_middle(coverage.attn_dims, heads), (low + high) // 2, _middle(coverage.mlp_dims, heads))
    lean: Point = (None, (3 * low + high) // 4, None)
    thin: Point = (min(coverage.attn_dims, default=None), low, min(coverage.mlp_dims, default=None))
    kind: Attention = teacher.layers[0].attention if teacher.attention != "split" else "AI"
    deep = len(teacher.layers)
    some, third = max(2, deep // 2), max(1, deep // 4)
    fe: Attention = "FE"
    ai: Attention = "AI"
    layouts: dict[str, list[tuple[Attention, Point]]] = {
        "one": [(kind, lean)],
        "two": [(kind, full)] * 2,
        "thin": [(kind, thin)] * some,
        "deep": [(kind, full)] * deep,
        "shallow": [(kind, full)] * some,
        "mixed": [(kind, middle if i % 2 else full) for i in range(max(2, 2 * deep // 3))],
        "lean": [(kind, lean)] * max(2, 3 * deep // 4),
        "split one": [(ai, lean)],
        "split two": [(fe, full), (ai, full)],
        "split thin": [(fe, thin)] * third + [(ai, thin)],
        "split": [(fe, full)] * some + [(ai, full)] * third,
        "split lean": [(fe, middle)] * some + [(ai, lean)] * third,
    }
    return {name: _eliminating(teacher, vit_tracker(teacher, layers)) for name, layers in layouts.items()}


def _eliminating(teacher: TrackerSpec, spec: TrackerSpec) -> TrackerSpec:
    """Joint layers eliminate what those of the teacher do, at the same share of the depth."""
    if spec.attention != "joint":
        return spec
    deep, depth = len(teacher.layers), len(spec.layers)
    sources = [round(i * (deep - 1) / max(1, depth - 1)) for i in range(depth)]
    layers = zip(spec.layers, sources, strict=True)
    return dataclasses.replace(
        spec, layers=tuple(dataclasses.replace(layer, keep=teacher.layers[i].keep) for layer, i in layers)
    )


def _levit(teacher: TrackerSpec, coverage: Coverage) -> dict[str, TrackerSpec]:
    depths = [sum(layer.stage == stage for layer in teacher.layers) for stage in range(len(teacher.stages))]
    wide = [widths[-1] for widths in coverage.mlp_hidden]
    lean = [(3 * widths[0] + widths[-1]) // 4 for widths in coverage.mlp_hidden]
    middle = [(widths[0] + widths[-1]) // 2 for widths in coverage.mlp_hidden]
    layouts = {
        "deep": _stages(depths, wide),
        "least": _stages([1 for _ in depths], wide),
        "shallow": _stages([max(1, depth // 2) for depth in depths], wide),
        "lean": _stages(depths, lean),
        "early": _stages([depth if i == 0 else 1 for i, depth in enumerate(depths)], middle),
        "late": _stages([depth if i == len(depths) - 1 else 1 for i, depth in enumerate(depths)], middle),
    }
    return {name: levit_tracker(teacher, hidden) for name, hidden in layouts.items()}


def _stages(depths: list[int], widths: list[int]) -> list[list[int]]:
    return [[width] * depth for depth, width in zip(depths, widths, strict=True)]


def _middle(ends: tuple[int, ...], step: int) -> int | None:
    """A multiple of `step` halfway; None where nothing is reduced."""
    return (ends[0] + ends[-1]) // 2 // step * step if ends else None
