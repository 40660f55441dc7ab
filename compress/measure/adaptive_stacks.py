"""Ways through adaptive trackers that tell what bypass and exits cost, and others to hold the answer against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from compress.core import Attention, BypassSpec, ExitSpec, TrackerSpec, Way
from compress.measure.corners import Corners
from compress.measure.parts import Depths
from compress.measure.vit_stacks import vit_tracker
from compress.profiles import Point, cheapest_way, worst_way

SpecWay = tuple[TrackerSpec, Way]


def static_stacks(teacher: TrackerSpec, corners: Corners, depths: Depths, *, sparing: bool) -> list[TrackerSpec]:
    """Stacks of equal layers, shallow, middling and deep, of the attention that the teacher ends with; and split ones.

    Args:
        sparing: Without the split ones.
    """
    sizes = (depths.shallow, _middle(depths), depths.deep)
    return [_stack(teacher, corners, kinds, depth) for kinds in _kinds(teacher, corners, sparing) for depth in sizes]


def fitted_ways(teacher: TrackerSpec, corners: Corners, depths: Depths, *, sparing: bool) -> Iterator[SpecWay]:
    """Ways that compute as many layers as one of the `static_stacks`, with few and with many decisions."""
    for kinds in _kinds(teacher, corners, sparing):
        yield from _ways_of(_stack(teacher, corners, kinds, depths.deep), depths, exits=may_exit(teacher))


def _ways_of(stack: TrackerSpec, depths: Depths, *, exits: bool) -> Iterator[SpecWay]:
    few, deep = depths.shallow, depths.deep
    bypass = BypassSpec(n_enf=few)
    skipping = replace(stack, bypass=bypass)
    yield from _ends(skipping)
    yield skipping, Way(frozenset(range(few, deep - _middle(depths) + few)), None)
    if not exits:
        return
    once = (ExitSpec(few), ExitSpec(deep))
    yield from _ends(replace(stack, exits=once))
    often = range(few, deep + 1, max(1, (deep - few) // 4))
    yield from _ends(replace(stack, exits=tuple(map(ExitSpec, often))))
    both = replace(stack, bypass=bypass, exits=once)
    yield from ((both, worst_way(both)), (both, Way(frozenset(range(few, deep)), 1)))


def held_ways(teacher: TrackerSpec, corners: Corners) -> Iterator[tuple[str, TrackerSpec, Way]]:
    """Ways through trackers of other widths, depths and attentions, by name."""
    low, high = corners.mlp_hidden[0]
    full: Point = (None, high, None)
    lean: Point = (None, (3 * low + high) // 4, None)
    kind, deep = teacher.layers[-1].attention, len(teacher.layers)
    thin = vit_tracker(teacher, [(kind, lean)] * max(4, 3 * deep // 4))
    skipping = replace(thin, bypass=BypassSpec(n_enf=1))
    yield "a third skipped", skipping, Way(frozenset(skipping.skippable[::3]), None)
    yield "two thirds skipped", skipping, Way(frozenset(skipping.skippable) - set(skipping.skippable[::3]), None)
    if not may_exit(teacher):
        return
    leaving = replace(vit_tracker(teacher, [(kind, full)] * max(4, deep)), exits=_thirds(max(4, deep)))
    yield from ((f"exit {k}", leaving, Way(frozenset(), k)) for k in range(3))
    if "FE" in corners.attentions:
        split = _split(teacher, lean, full)
        yield "split, early", split, cheapest_way(split)
        yield "split, late", split, worst_way(split)


def may_exit(teacher: TrackerSpec) -> bool:
    """Whether a tracker with the teacher's head may have exits."""
    return teacher.head.kind in ("centre", "corner")


def _kinds(teacher: TrackerSpec, corners: Corners, sparing: bool) -> list[tuple[Attention, Attention]]:
    """Of each kind of stack the attention of the first layer, and of all others."""
    last = teacher.layers[-1].attention
    split: list[tuple[Attention, Attention]] = [("FE", "AI")]
    plain: list[tuple[Attention, Attention]] = [] if last == "AI" else [(last, last)]
    return plain + split if not plain or ("FE" in corners.attentions and not sparing) else plain


def _stack(teacher: TrackerSpec, corners: Corners, kinds: tuple[Attention, Attention], depth: int) -> TrackerSpec:
    attentions = [kinds[0]] + [kinds[1]] * (depth - 1)
    return vit_tracker(teacher, [(attention, corners.reference) for attention in attentions])


def _middle(depths: Depths) -> int:
    return (depths.shallow + depths.deep) // 2


def _ends(spec: TrackerSpec) -> Iterator[SpecWay]:
    yield from ((spec, cheapest_way(spec)), (spec, worst_way(spec)))


def _thirds(depth: int) -> tuple[ExitSpec, ...]:
    return ExitSpec(depth // 3, adapter=1), ExitSpec(2 * depth // 3), ExitSpec(depth)


def _split(teacher: TrackerSpec, fe: Point, ai: Point) -> TrackerSpec:
    """FE layers, AI layers and an exit between the last two of these, all but the first skippable."""
    half = max(2, len(teacher.layers) // 2)
    kinds: list[tuple[Attention, Point]] = [("FE", fe), ("AI", ai)]
    exits = (ExitSpec(half + 1, adapter=1), ExitSpec(half + 2))
    tracker = vit_tracker(teacher, [kinds[0]] * half + [kinds[1]] * 2)
    return replace(tracker, bypass=BypassSpec(n_enf=1), exits=exits)
