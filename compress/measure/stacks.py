"""Which uniform trackers tell what a family's parts cost, and how to read the costs off their times.

A part is measured in context: whole trackers of equal layers at two depths, within the frame loop. Their difference
is the blocks, the rest is embedding, head and call. FE layers need AI layers behind them, so they are read off
FE…FE AI with one AI layer.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from compress.core import ATTENTIONS, Attention, LayerSpec, TrackerSpec, kept_dims
from compress.profiles import Block, Fixed
from compress.spaces import Scalar, Space

Point = tuple[int | None, int, int | None]
"""(attn_dims, mlp_hidden, mlp_dims) of a layer."""


@dataclass(frozen=True)
class Corners:
    """The hull within which latencies are predicted: attentions, hidden units, and kept dimensions where reduced."""

    attentions: tuple[Attention, ...]
    mlp_hidden: tuple[int, ...]
    attn_dims: tuple[int, ...] = ()
    mlp_dims: tuple[int, ...] = ()

    @classmethod
    def of(cls, teacher: TrackerSpec, specs: Iterable[TrackerSpec] = ()) -> Corners:
        """What is measured by default, and whatever `specs` hold beyond.

        By default: the teacher's own layers, the same as FE and AI, MLPs as thin as the dimensions that enter
        them, and dimension reduction from the first step (one dimension a head) to half.
        """
        dim, heads = teacher.dim, teacher.heads
        half = kept_dims(dim, heads, 0.5)
        kept = {dim - heads, half} - {0}
        layers = [layer for spec in (teacher, *specs) for layer in spec.layers]
        kinds = {"FE", "AI"} | {layer.attention for layer in layers}
        return cls(
            attentions=tuple(a for a in ATTENTIONS if a in kinds),  # type: ignore[misc]
            mlp_hidden=_ends({half, *(layer.mlp_hidden for layer in layers)}),
            attn_dims=_ends(kept | {layer.attn_dims for layer in layers if layer.attn_dims}),
            mlp_dims=_ends(kept | {layer.mlp_dims for layer in layers if layer.mlp_dims}),
        )

    @classmethod
    def of_space(cls, teacher: TrackerSpec, space: Space) -> Corners:
        """What every student of a search space needs."""
        choices = {name: _outermost(values) for name, values in space.choices(teacher).items()}
        rows = (dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values()))
        return cls.of(teacher, (space.spec(teacher, lambda name, _, row=row: row[name]) for row in rows))  # type: ignore[misc]

    @property
    def reference(self) -> Point:
        """The full layer: widest MLP, nothing reduced."""
        return None, self.mlp_hidden[-1], None

    @property
    def anchors(self) -> tuple[Point, ...]:
        """Layers measured at both depths."""
        return tuple((None, hidden, None) for hidden in self.mlp_hidden)

    @property
    def points(self) -> tuple[Point, ...]:
        """Every layer to measure: the MLP's grid, and reduced attention at the full MLP."""
        mlp = [(None, hidden, dims) for dims in (None, *self.mlp_dims) for hidden in self.mlp_hidden]
        return (*mlp, *((dims, self.mlp_hidden[-1], None) for dims in self.attn_dims))

    def within(self, other: Corners) -> bool:
        """Whether `other` covers everything this does."""
        return set(self.attentions) <= set(other.attentions) and all(
            not mine or (theirs and theirs[0] <= mine[0] and mine[-1] <= theirs[-1])
            for mine, theirs in (
                (self.mlp_hidden, other.mlp_hidden),
                (self.attn_dims, other.attn_dims),
                (self.mlp_dims, other.mlp_dims),
            )
        )

    def union(self, other: Corners) -> Corners:
        kinds = {*self.attentions, *other.attentions}
        return Corners(
            attentions=tuple(a for a in ATTENTIONS if a in kinds),
            mlp_hidden=_ends({*self.mlp_hidden, *other.mlp_hidden}),
            attn_dims=_ends({*self.attn_dims, *other.attn_dims}),
            mlp_dims=_ends({*self.mlp_dims, *other.mlp_dims}),
        )


@dataclass(frozen=True)
class Depths:
    """Layers of the two stacks."""

    shallow: int
    deep: int


def stacks(teacher: TrackerSpec, corners: Corners, depths: Depths) -> Iterator[TrackerSpec]:
    """The trackers to time."""
    for kind in corners.attentions:
        for point in corners.points:
            yield _stack(teacher, corners, kind, point, depths.deep)
        if kind != "FE":
            for point in corners.anchors:
                yield _stack(teacher, corners, kind, point, depths.shallow)


def parts(
    teacher: TrackerSpec, corners: Corners, depths: Depths, ms: Callable[[TrackerSpec], float]
) -> tuple[tuple[Fixed, ...], tuple[Block, ...]]:
    """Fixed costs and block costs from the times `ms` of `stacks`."""

    def time(kind: Attention, point: Point, depth: int) -> float:
        return ms(_stack(teacher, corners, kind, point, depth))

    fixed, blocks, before = [], [], {}
    for kind in (k for k in corners.attentions if k != "FE"):
        base = _mean(
            _intercept(depths, time(kind, point, depths.shallow), time(kind, point, depths.deep))
            for point in corners.anchors
        )
        fixed.append(Fixed("split" if kind == "AI" else kind, base))
        before[kind] = base
        blocks += [_block(kind, p, (time(kind, p, depths.deep) - base) / depths.deep) for p in corners.points]
    if "FE" in corners.attentions:
        last = (time("AI", corners.reference, depths.deep) - before["AI"]) / depths.deep
        base, count = before["AI"] + last, depths.deep - 1
        blocks += [_block("FE", p, (time("FE", p, depths.deep) - base) / count) for p in corners.points]
    return tuple(fixed), tuple(blocks)


def held_out(teacher: TrackerSpec, corners: Corners) -> dict[str, TrackerSpec]:
    """Whole trackers for the scale and the held-back error: shallow, deep, split and off-grid ones, by name."""
    low, high = corners.mlp_hidden[0], corners.mlp_hidden[-1]
    full: Point = (None, high, None)
    heads = teacher.heads
    middle: Point = (_middle(corners.attn_dims, heads), (low + high) // 2, _middle(corners.mlp_dims, heads))
    lean: Point = (None, (3 * low + high) // 4, None)
    kind: Attention = teacher.layers[0].attention if teacher.attention != "split" else "AI"
    deep = len(teacher.layers)
    some, third = max(2, deep // 2), max(1, deep // 4)
    fe: Attention = "FE"
    ai: Attention = "AI"
    layouts: dict[str, list[tuple[Attention, Point]]] = {
        "deep": [(kind, full)] * deep,
        "shallow": [(kind, full)] * some,
        "mixed": [(kind, middle if i % 2 else full) for i in range(max(2, 2 * deep // 3))],
        "lean": [(kind, lean)] * max(2, 3 * deep // 4),
        "split": [(fe, full)] * some + [(ai, full)] * third,
        "split lean": [(fe, middle)] * some + [(ai, lean)] * third,
    }
    return {name: _tracker(teacher, layers) for name, layers in layouts.items()}


def _intercept(depths: Depths, shallow_ms: float, deep_ms: float) -> float:
    return (shallow_ms * depths.deep - deep_ms * depths.shallow) / (depths.deep - depths.shallow)


def _block(kind: Attention, point: Point, ms: float) -> Block:
    return Block(attention=kind, attn_dims=point[0], mlp_hidden=point[1], mlp_dims=point[2], ms=ms)


def _stack(teacher: TrackerSpec, corners: Corners, kind: Attention, point: Point, depth: int) -> TrackerSpec:
    layers: list[tuple[Attention, Point]] = [(kind, point)] * depth
    if kind == "FE":
        layers[-1] = ("AI", corners.reference)
    return _tracker(teacher, layers)


def _tracker(teacher: TrackerSpec, layers: list[tuple[Attention, Point]]) -> TrackerSpec:
    made = (
        LayerSpec(source=i, attention=kind, attn_dims=attn, mlp_hidden=hidden, mlp_dims=mlp)
        for i, (kind, (attn, hidden, mlp)) in enumerate(layers)
    )
    return dataclasses.replace(teacher, layers=tuple(made))


def _outermost(choices: tuple[Scalar, ...]) -> list[Scalar]:
    """Numbers: the smallest, the next (0 often means "off") and the largest. Words: all."""
    numbers = sorted(c for c in choices if not isinstance(c, str))
    return [c for c in choices if isinstance(c, str) or c in (*numbers[:2], numbers[-1])]


def _ends(values: set[int]) -> tuple[int, ...]:
    return tuple(sorted({min(values), max(values)})) if values else ()


def _middle(ends: tuple[int, ...], step: int) -> int | None:
    """A multiple of `step` halfway; None where nothing is reduced."""
    return (ends[0] + ends[-1]) // 2 // step * step if ends else None


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)
