"""The students that a plan estimates: all of a small space; of a large one a sample, then what is near its front."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from compress.core import LatencyConstraint, TrackerSpec
from compress.driver.planner.estimator import Candidate, Estimator, Knobs
from compress.driver.planner.front import front_of
from compress.spaces import Space, random_choice

DRAWS = 5_000
"""Students drawn at random from a space too large to be enumerated."""

_ROUNDS = 4
"""Times that the neighbours of the front are estimated; those of new members only."""


def sample_space(
    space: Space, estimator: Estimator, constraint: LatencyConstraint, seed: int, *, draws: int = DRAWS
) -> list[Candidate]:
    """Every student of a small space, else `draws` of them and then what differs from their front in one choice.

    Each student once, in the order of drawing; the teacher is left out.
    """
    found: dict[TrackerSpec, Candidate] = {}

    def add(knobs: Knobs, spec: TrackerSpec) -> None:
        if spec not in found and spec != estimator.teacher:
            found[spec] = estimator(knobs, spec)

    if space.combinations(estimator.teacher) <= draws:
        for knobs, spec in _every(space, estimator.teacher):
            add(knobs, spec)
        return list(found.values())
    rng = random.Random(seed)
    for _ in range(draws):
        add(*_built(space, estimator.teacher, random_choice(rng)))
    seen: set[TrackerSpec] = set()
    for _ in range(_ROUNDS):
        fresh = [each for each in front_of(list(found.values()), constraint) if each.spec not in seen]
        seen.update(each.spec for each in fresh)
        for member in fresh:
            for knobs, spec in _neighbours(space, estimator.teacher, member.knobs):
                add(knobs, spec)
    return list(found.values())


def _built(
    space: Space, teacher: TrackerSpec, choose: Callable[[str, Sequence[Any]], Any]
) -> tuple[Knobs, TrackerSpec]:
    knobs: dict[str, Any] = {}

    def record(name: str, values: Sequence[Any]) -> Any:
        knobs[name] = choose(name, values)
        return knobs[name]

    return knobs, space.spec(teacher, record)


def _neighbours(space: Space, teacher: TrackerSpec, knobs: Knobs) -> Iterator[tuple[Knobs, TrackerSpec]]:
    """All students that differ from `knobs` in one choice, and in the choices that only then apply."""
    for name, values in space.choices(teacher).items():
        for value in values if name in knobs else ():
            if value != knobs[name]:
                changed = {**knobs, name: value}
                yield _built(space, teacher, lambda other, offered, c=changed: c.get(other, offered[0]))  # type: ignore[misc]


def _every(space: Space, teacher: TrackerSpec) -> Iterator[tuple[Knobs, TrackerSpec]]:
    """All combinations of choices that apply, counted up like an odometer: the last choice changes first."""
    digits: list[int] = []
    while True:
        sizes: list[int] = []

        def choose(_: str, values: Sequence[Any], sizes: list[int] = sizes) -> Any:
            if len(sizes) == len(digits):
                digits.append(0)
            sizes.append(len(values))
            return values[digits[len(sizes) - 1]]

        yield _built(space, teacher, choose)
        while digits and digits[-1] + 1 == sizes[len(digits) - 1]:
            digits.pop()
        if not digits:
            return
        digits[-1] += 1
