"""What a plan looks at: all students of a small space; of a large one a sample, and then what its front leads to."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from compress.core import LatencyConstraint, TrackerSpec
from compress.driver.planner.estimator import Candidate, Estimator, Knobs
from compress.driver.planner.front import front_of
from compress.spaces import Space

DRAWS = 5_000
"""Students drawn of a space too large to be looked at whole."""

_ROUNDS = 4
"""Times the front's neighbours are looked at, while they make it better."""


def sample_space(
    space: Space, estimator: Estimator, constraint: LatencyConstraint, seed: int, *, draws: int = DRAWS
) -> list[Candidate]:
    """Every student of a small space, else `draws` of them and then what lies a choice away from their front.

    Each student once, in the order met; the teacher itself is none.
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
        add(*_built(space, estimator.teacher, lambda _, values: rng.choice(values)))
    seen: set[TrackerSpec] = set()
    for _ in range(_ROUNDS):
        fresh = [each for each in front_of(list(found.values()), constraint) if each.spec not in seen]
        seen.update(each.spec for each in fresh)
        for member in fresh:
            for knobs, spec in _a_choice_away(space, estimator.teacher, member.knobs):
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


def _a_choice_away(space: Space, teacher: TrackerSpec, knobs: Knobs) -> Iterator[tuple[Knobs, TrackerSpec]]:
    """All that differ from `knobs` in one choice, and in those that only then apply."""
    for name, values in space.choices(teacher).items():
        for value in values if name in knobs else ():
            if value != knobs[name]:
                changed = {**knobs, name: value}
                yield _built(space, teacher, lambda other, offered, c=changed: c.get(other, offered[0]))  # type: ignore[misc]


def _every(space: Space, teacher: TrackerSpec) -> Iterator[tuple[Knobs, TrackerSpec]]:
    """All combinations of choices that apply, like the wheels of a counter."""
    wheels: list[int] = []
    while True:
        sizes: list[int] = []

        def choose(_: str, values: Sequence[Any], sizes: list[int] = sizes) -> Any:
            if len(sizes) == len(wheels):
                wheels.append(0)
            sizes.append(len(values))
            return values[wheels[len(sizes) - 1]]

        yield _built(space, teacher, choose)
        while wheels and wheels[-1] + 1 == sizes[len(wheels) - 1]:
            wheels.pop()
        if not wheels:
            return
        wheels[-1] += 1
