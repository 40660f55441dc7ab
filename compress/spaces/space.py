"""`Space`: the choices of a search, and how one choice of each knob makes a `TrackerSpec`."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from compress.core import TrackerSpec, UsageError
from compress.spaces.draft import Draft, Scalar
from compress.spaces.knob import KNOBS, NEVER, ONLY_WITH, applies, fitted


@dataclass(frozen=True)
class Space:
    """A search space. Every combination of its choices is a valid tracker, for every teacher.

    Choices are relative to the teacher: one beyond it (a depth of 12 for a teacher of 8 layers) stands for
    the teacher's own value, and choices that so become equal count once.

    Attributes:
        name: Of the file, without its suffix.
        knobs: Knob name to the choices of the file. A knob left out stays as the teacher has it.
        description: As the file gives it.
    """

    name: str
    knobs: Mapping[str, tuple[Scalar, ...]]
    description: str = ""

    def choices(self, teacher: TrackerSpec) -> dict[str, tuple[Scalar, ...]]:
        """What each knob offers for one teacher, in the order of the build."""
        return {name: fitted(name, self.knobs[name], teacher) for name in KNOBS if name in self.knobs}

    def spec(self, teacher: TrackerSpec, choose: Callable[[str, Sequence[Any]], Any]) -> TrackerSpec:
        """Build one student.

        Args:
            teacher: The tracker to compress; `source` of the student's layers are indices of its layers.
            choose: Called once per knob that applies (no `tau0` without `bypass`) with its name and choices (JSON
                scalars); for one teacher each name always comes with the same choices, as Optuna's
                `suggest_categorical` demands.

        Raises:
            UsageError: where `choose` returns something else than one of the choices.
        """
        choices = self.choices(teacher)
        chosen: dict[str, Scalar] = {}
        for name in choices:
            if applies(name, chosen, teacher):
                chosen[name] = _chosen(name, choices[name], choose)
        return _build(teacher, chosen)

    def sample(self, teacher: TrackerSpec, rng: random.Random) -> TrackerSpec:
        """One student, each knob drawn uniformly."""
        return self.spec(teacher, lambda name, choices: rng.choice(choices))

    def enumerate(self, teacher: TrackerSpec) -> Iterator[TrackerSpec]:
        """Every distinct student once: several combinations may describe the same one."""
        seen = set()
        for draft in _drafts(_start(teacher), self.choices(teacher), {}, list(KNOBS)):
            spec = draft.spec()
            if spec not in seen:
                seen.add(spec)
                yield spec

    def combinations(self, teacher: TrackerSpec) -> int:
        """Number of combinations of choices that apply, from which a sampler draws: at least `size`, but quick."""
        return _combinations(self.choices(teacher), teacher)

    def size(self, teacher: TrackerSpec) -> int:
        """Number of distinct students; builds them all."""
        return sum(1 for _ in self.enumerate(teacher))


_Choices = Mapping[str, tuple[Scalar, ...]]


def _combinations(choices: _Choices, teacher: TrackerSpec) -> int:
    """Combinations of the knobs that go with all others, and more where those of `ONLY_WITH` apply."""
    name = next((name for name in choices if name in ONLY_WITH), None)
    if name is None:
        return _product(choices, teacher)
    group = {other: choices[other] for other in choices if name in (other, KNOBS[other].needs)}
    rest = {other: values for other, values in choices.items() if other not in group}
    together = {
        other: tuple(v for v in rest[other] if v == only) for other, only in ONLY_WITH[name].items() if other in rest
    }
    count = _combinations(rest, teacher)
    if not applies(name, {other: values[0] if values else "" for other, values in together.items()}, teacher):
        return count
    return count + (_product(group, teacher) - 1) * _combinations({**rest, **together}, teacher)


def _product(choices: _Choices, teacher: TrackerSpec) -> int:
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


def _drafts(draft: Draft, choices: _Choices, chosen: Mapping[str, Scalar], names: list[str]) -> Iterator[Draft]:
    """Every combination of the knobs `names`, from a draft that those before them have changed."""
    if not names:
        yield draft
    elif not applies(names[0], chosen, draft.teacher):
        yield from _drafts(draft, choices, chosen, names[1:])
    else:
        name, knob = names[0], KNOBS[names[0]]
        for value in choices.get(name, (knob.default(draft.teacher),)):
            changed = replace(draft)
            knob.apply(changed, value)
            yield from _drafts(changed, choices, {**chosen, name: value}, names[1:])


def _start(teacher: TrackerSpec) -> Draft:
    return Draft(teacher, len(teacher.layers), list(teacher.layers), precision=teacher.precision)


def _build(teacher: TrackerSpec, values: Mapping[str, Scalar]) -> TrackerSpec:
    draft = _start(teacher)
    for name, knob in KNOBS.items():
        if applies(name, values, teacher):
            knob.apply(draft, values[name] if name in values else knob.default(teacher))
    return draft.spec()


def _chosen(name: str, choices: tuple[Scalar, ...], choose: Callable[[str, Sequence[Any]], Any]) -> Scalar:
    value: Scalar = choose(name, choices)
    if value not in choices:
        raise UsageError(f"{name} must be one of {', '.join(map(str, choices))} but {value!r} was chosen.")
    return value
