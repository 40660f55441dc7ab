"""The students of a space whose layers reach furthest: what they hold, a profile of the space has to cover."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from compress.core import TrackerSpec
from compress.spaces import KNOBS, NEVER, ONLY_WITH, PRECISION, Scalar, Space
from compress.spaces.patterns import exact_number
from compress.spaces.resolution_knobs import OWN, SIZES, ordered

_KEEP_RATIO, _KEEP_AFTER = "keep_ratio", "keep_after"
"""The knobs by which search tokens are eliminated."""

_KEEP_TEMPLATE = "keep_template"
"""That of the template's patches; a profile with the fewest has all of them, too."""


def outermost_students(teacher: TrackerSpec, space: Space) -> Iterator[TrackerSpec]:
    """Every combination of the outermost choices of each knob; and at every place the fewest and the most tokens.

    On the teacher's crops, or the largest; and the deepest students on each that is smaller. All layers are alike: what
    one layer may be, all may be.
    """
    space = replace(space, per_layer=False)
    choices = {name: _outermost(name, values, teacher) for name, values in space.choices(teacher).items()}
    for row in itertools.product(*choices.values()):
        chosen = dict(zip(choices, row, strict=True))
        yield space.spec(teacher, lambda name, _, chosen=chosen: chosen[name])  # type: ignore[misc]
    sizes = list(_sizes(teacher, space))
    shares = sorted(space.choices(teacher).get(_KEEP_TEMPLATE, (1,)), key=float)
    for chosen, keep in itertools.product(sizes, dict.fromkeys([shares[0], shares[-1]])):
        yield space.spec(teacher, partial(_deepest, chosen={**chosen, _KEEP_TEMPLATE: keep}))
    for chosen in (sizes[0], sizes[-1]):
        yield from _eliminating(teacher, space, chosen)


def may_decide(teacher: TrackerSpec, space: Space) -> bool:
    """Whether some student decides per frame what to compute."""
    offered = space.choices(teacher).items()
    return any(NEVER in values and len(values) > 1 for name, values in offered if name != _KEEP_RATIO)


def _sizes(teacher: TrackerSpec, space: Space) -> Iterator[dict[str, Scalar]]:
    """Choices of both crops, from the largest of both to the smallest; the teacher's where nothing is offered."""
    offered = space.choices(teacher)
    by_size = {name: ordered(name, offered.get(name, (OWN,)), teacher) for name in SIZES}
    for i in range(max(map(len, by_size.values()))):
        yield {name: values[min(i, len(values) - 1)] for name, values in by_size.items()}


def _eliminating(teacher: TrackerSpec, space: Space, sizes: Mapping[str, Scalar]) -> Iterator[TrackerSpec]:
    """On crops of some sizes the deepest students that leave the most and the fewest search tokens, by all places."""
    offered = space.choices(teacher)
    shares = [float(value) for value in offered.get(_KEEP_RATIO, ()) if value != NEVER]
    ends = dict.fromkeys([max(shares), min(shares)]) if shares else {}
    for share, places in itertools.product(ends, offered.get(_KEEP_AFTER, (NEVER,))):
        yield space.spec(teacher, partial(_deepest, chosen={**sizes, _KEEP_RATIO: share, _KEEP_AFTER: places}))


def _deepest(name: str, values: Sequence[Scalar], chosen: Mapping[str, Scalar]) -> Scalar:
    """As chosen, or with which tokens are eliminated, or the largest number, or the first word."""
    if name in chosen:
        return chosen[name]
    companion = ONLY_WITH[_KEEP_RATIO].get(name)
    if companion is not None and companion in values:
        return companion
    numbers = [value for value in values if not isinstance(value, str)]
    return max(numbers) if numbers else values[0]


def _outermost(name: str, choices: tuple[Scalar, ...], teacher: TrackerSpec) -> list[Scalar]:
    """Numbers: the smallest, the next (0 often means "off") and the largest. Words, such as `joint`: all.

    One choice will do where what a knob changes is no layer: what can be switched off, what needs it on, and crops.
    """
    if name in SIZES:
        return ordered(name, choices, teacher)[:1]
    if NEVER in choices or KNOBS[name].needs or name == PRECISION:
        return [NEVER if NEVER in choices else choices[0]]
    if name == _KEEP_TEMPLATE:
        return [min(choices, key=float)]
    shares = {c: exact_number(c) for c in choices}
    if None in shares.values():
        return list(choices)
    rising = sorted(choices, key=lambda c: float(shares[c] or 0))
    return [c for c in choices if c in (*rising[:2], rising[-1])]
