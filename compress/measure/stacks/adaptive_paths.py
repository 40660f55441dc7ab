"""Execution paths of adaptive trackers: some to learn from what bypass and exits cost, others to validate that."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import get_args

from compress.core import (
    Attention,
    BypassSpec,
    ExecutionPath,
    ExitSpec,
    Recycling,
    TrackerSpec,
    cheapest_path,
    worst_path,
)
from compress.latency import Point, static
from compress.measure.budget import MeasurementBudget
from compress.measure.coverage import Coverage
from compress.measure.stacks.trackers import tracker_of_layers

SpecPath = tuple[TrackerSpec, ExecutionPath]

_RECYCLING: tuple[Recycling, ...] = get_args(Recycling)


def fitted_paths(teacher: TrackerSpec, coverage: Coverage, budget: MeasurementBudget) -> list[SpecPath]:
    """Paths like those that students of a search take: random ones, the same at every call.

    Every depth, any widths within the coverage, bypass and exits in turn and together. Deep stacks of one width, each
    layer in a stage of its own, show what such stacks cost and mislead about everything else.
    """
    rng = random.Random(0)
    turns = ("bypass", "exits", "both") if may_exit(teacher) else ("bypass",)
    return [_drawn(teacher, coverage, budget, turns[i % len(turns)], rng) for i in range(budget.paths)]


def static_part(spec: TrackerSpec, path: ExecutionPath) -> TrackerSpec:
    """A static tracker of the layers that a path computes."""
    skipped = path.skipped or frozenset()
    layers = tuple(spec.layers[i] for i in range(path.end(spec)) if i not in skipped)
    return replace(static(spec), layers=layers)


def validation_paths(
    teacher: TrackerSpec, coverage: Coverage, budget: MeasurementBudget
) -> Iterator[tuple[str, TrackerSpec, ExecutionPath]]:
    """Paths through trackers of other widths, depths and attentions, by name."""
    low, high = coverage.mlp_hidden[0]
    full: Point = (None, high, None)
    lean: Point = (None, (3 * low + high) // 4, None)
    kind = teacher.layers[-1].attention
    deep = budget.depths.deep if budget.sparing else max(4, len(teacher.layers))
    thin = tracker_of_layers(teacher, [(kind, lean)] * max(4, 3 * deep // 4))
    skipping = replace(thin, bypass=BypassSpec(n_enf=1))
    yield "a third skipped", skipping, ExecutionPath(frozenset(skipping.skippable[::3]), None)
    yield (
        "two thirds skipped",
        skipping,
        ExecutionPath(frozenset(skipping.skippable) - set(skipping.skippable[::3]), None),
    )
    if not may_exit(teacher):
        return
    leaving = replace(tracker_of_layers(teacher, [(kind, full)] * deep), exits=_thirds(deep))
    yield from ((f"exit {k}", leaving, ExecutionPath(frozenset(), k)) for k in range(3))
    if "FE" in coverage.attentions:
        split = _split(teacher, lean, full, deep // 2)
        yield "split, early", split, cheapest_path(split)
        yield "split, late", split, worst_path(split)


def may_exit(teacher: TrackerSpec) -> bool:
    """Whether a tracker with the teacher's head may have exits."""
    return teacher.head.kind in ("centre", "corner")


def _drawn(
    teacher: TrackerSpec, coverage: Coverage, budget: MeasurementBudget, turn: str, rng: random.Random
) -> SpecPath:
    """A tracker with `turn`, and a path that computes all of its FE layers and the first behind them."""
    kinds = _kinds(teacher, coverage, budget, rng)
    spec = tracker_of_layers(teacher, [(kind, _point(teacher, coverage, rng)) for kind in kinds])
    first, depth = spec.count("FE") + 1, len(kinds)
    if turn != "exits":
        spec = replace(spec, bypass=BypassSpec(n_enf=rng.randint(first, depth - 1)))
    if turn != "bypass":
        places = sorted(rng.sample(range(first, depth), min(rng.randint(1, 2), depth - first)))
        exits = [ExitSpec(after, adapter=rng.randint(0, 2)) for after in places]
        spec = replace(spec, exits=(*exits, ExitSpec(depth)), recycling=rng.choice(_RECYCLING))
    path = ExecutionPath(frozenset(), rng.randrange(len(spec.exits)) if spec.exits else None)
    share = rng.random()
    skipped = frozenset(i for i in spec.skippable if i < path.end(spec) and rng.random() < share)
    return spec, replace(path, skipped=skipped)


def _kinds(teacher: TrackerSpec, coverage: Coverage, budget: MeasurementBudget, rng: random.Random) -> list[Attention]:
    """The attention of every layer: the teacher's, or FE layers and at least two AI ones."""
    depth, last = rng.randint(2, budget.depths.deep), teacher.layers[-1].attention
    may_split = "FE" in coverage.attentions and (last == "AI" or not budget.sparing)
    apart = rng.randint(0, depth - 2) if may_split and (last == "AI" or rng.random() < 0.5) else 0
    fe: Attention = "FE"
    return [fe] * apart + ["AI" if apart else last] * (depth - apart)


def _point(teacher: TrackerSpec, coverage: Coverage, rng: random.Random) -> Point:
    """Widths of a layer; dimensions are reduced in every other."""
    attn, mlp = (_dims(ends, teacher.heads, rng) for ends in (coverage.attn_dims, coverage.mlp_dims))
    return attn, rng.randint(*coverage.mlp_hidden[0]), mlp


def _dims(ends: tuple[int, ...], step: int, rng: random.Random) -> int | None:
    return rng.randrange(ends[0], ends[-1] + 1, step) if ends and rng.random() < 0.5 else None


def _thirds(depth: int) -> tuple[ExitSpec, ...]:
    return ExitSpec(depth // 3, adapter=1), ExitSpec(2 * depth // 3), ExitSpec(depth)


def _split(teacher: TrackerSpec, fe: Point, ai: Point, half: int) -> TrackerSpec:
    """`half` FE layers, two AI layers and an exit between these, all but the first skippable."""
    kinds: list[tuple[Attention, Point]] = [("FE", fe), ("AI", ai)]
    exits = (ExitSpec(half + 1, adapter=1), ExitSpec(half + 2))
    tracker = tracker_of_layers(teacher, [kinds[0]] * half + [kinds[1]] * 2)
    return replace(tracker, bypass=BypassSpec(n_enf=1), exits=exits)
