"""Seed configurations: the plain students that a search starts from."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from compress.core import TrackerSpec
from compress.spaces import KNOBS, PRECISION, Space, parameter_of
from compress.spaces.knob import NEVER, applies
from compress.spaces.patterns import exact_number
from compress.spaces.resolution_knobs import SIZES, ordered

_PER_FRAME = ("bypass", "exits")
"""Knobs of what is decided per frame."""

_TOKENS = "keep_ratio"
"""The knob of the search tokens that go on."""


def seed_configurations(space: Space, teacher: TrackerSpec) -> Iterator[dict[str, Any]]:
    """Every knob but the depth: static trackers with the two widest MLPs, joint and split, unreduced, on whole crops.

    Behind the first of them, where the space offers it, the same with bypass, with exits, and with fewer search tokens,
    at their usual settings, in each other precision, and with smaller crops, so that a first generation has all kinds.
    Last, in twos, what costs little by itself: another precision, fewer tokens, smaller crops, the second widest MLP.
    """
    for knobs in _by_knob(space, teacher):
        yield _by_layer(knobs, space, teacher)


def _by_layer(knobs: dict[str, Any], space: Space, teacher: TrackerSpec) -> dict[str, Any]:
    """All layers alike, where these may differ."""
    layered = space.by_layer(teacher)
    found = {name: value for name, value in knobs.items() if name not in layered}
    for name in layered:
        found |= {parameter_of(name, i): knobs[name] for i in range(len(teacher.layers)) if name in knobs}
    return found


def _by_knob(space: Space, teacher: TrackerSpec) -> Iterator[dict[str, Any]]:
    choices = space.by_knob(teacher)
    plain = {name: _off(values) for name, values in choices.items() if name in _PER_FRAME}
    plain |= {name: values[0] for name, values in choices.items() if name == "layers"}
    plain |= {name: min(values) for name, values in choices.items() if name == "dr_ratio"}
    plain |= {name: max(values) for name, values in choices.items() if name == "keep_template"}
    plain |= {
        name: max(values, key=lambda value: float(exact_number(value) or 0))
        for name, values in choices.items()
        if name == "heads"
    }
    plain |= {name: _off(values) for name, values in choices.items() if name == _TOKENS}
    precisions: list[Any] = sorted(choices.get(PRECISION, ()), key=lambda each: each != "fp32")
    plain |= {PRECISION: precisions[0]} if precisions else {}
    sizes = {name: ordered(name, values, teacher) for name, values in choices.items() if name in SIZES}
    plain |= {name: values[0] for name, values in sizes.items()}
    widest: list[Any] = sorted(choices.get("mlp_ratio", ()), reverse=True)[:2]
    meetings: list[Any] = list(choices.get("interaction", ()))[:2]
    static = [
        _known(plain | {"mlp_ratio": hidden, "interaction": interaction})
        for hidden in widest or [None]
        for interaction in meetings or [None]
    ]
    beside: list[dict[str, Any]] = []
    yield static[0]
    for name in (*_PER_FRAME, _TOKENS):
        offered = [value for value in choices.get(name, ()) if value != NEVER]
        if offered and plain[name] == NEVER and applies(name, static[0], teacher):
            usual = {other: _usual(other, choices[other], teacher) for other in choices if KNOBS[other].needs == name}
            yield static[0] | {name: offered[0]} | usual
            beside += [{name: offered[0]} | usual] if name == _TOKENS else []
    for other in precisions[1:]:
        yield static[0] | {PRECISION: other}
        beside.append({PRECISION: other})
    if any(len(values) > 1 for values in sizes.values()):
        smaller = {name: values[min(1, len(values) - 1)] for name, values in sizes.items()}
        yield static[0] | smaller
        beside.append(smaller)
    yield from static[1:]
    if beside and len(widest) > 1:
        beside.append({"mlp_ratio": widest[1]})
    yield from (static[0] | a | b for a, b in combinations(beside, 2) if not a.keys() & b.keys())


def _off(values: tuple[Any, ...]) -> Any:
    return NEVER if NEVER in values else values[0]


def _usual(name: str, values: tuple[Any, ...], teacher: TrackerSpec) -> Any:
    """The knob's default, as the papers have it, if it is offered; or what gives the teacher as it is."""
    default = KNOBS[name].default(teacher)
    if default in values:
        return default
    alone = {value: Space(name, {name: (value,)}).spec(teacher, lambda _, offered: offered[0]) for value in values}
    return next((value for value, spec in alone.items() if spec == teacher), values[0])


def _known(knobs: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in knobs.items() if value is not None}
