"""How many combinations of choices apply, without building them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from compress.core import TrackerSpec
from compress.spaces.draft import Scalar
from compress.spaces.knob import KNOBS, NEVER, ONLY_WITH, applies

Choices = Mapping[str, tuple[Scalar, ...]]


def combinations(choices: Choices, teacher: TrackerSpec) -> int:
    """Combinations of the knobs that go with all others, and more where those of `ONLY_WITH` apply."""
    name = next((name for name in choices if name in ONLY_WITH), None)
    if name is None:
        return _product(choices, teacher)
    group = {other: choices[other] for other in choices if name in (other, KNOBS[other].needs)}
    rest = {other: values for other, values in choices.items() if other not in group}
    together = {
        other: tuple(v for v in rest[other] if v == only) for other, only in ONLY_WITH[name].items() if other in rest
    }
    count = combinations(rest, teacher)
    if not applies(name, {other: values[0] if values else "" for other, values in together.items()}, teacher):
        return count
    return count + (_product(group, teacher) - 1) * combinations({**rest, **together}, teacher)


def _product(choices: Choices, teacher: TrackerSpec) -> int:
    total = 1
    for name, values in choices.items():
        needs = KNOBS[name].needs
        if needs is None:
            inner = math.prod(len(choices[other]) for other in choices if KNOBS[other].needs == name)
            off = NEVER in values
            total *= (len(values) - off) * inner + off
        elif needs not in choices and applies(name, {}, teacher):
            total *= len(values)
    return total
