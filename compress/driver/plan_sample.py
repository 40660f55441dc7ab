"""What a plan looks at: students of a space, each with its latency and accuracy by what is published."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from compress.archive import SHARE, Constraint, PriorAccuracy
from compress.core import Latency, TrackerSpec
from compress.driver.gauge import latency_of
from compress.measure import Target
from compress.prior import DEFAULT_METRIC, estimate, published_accuracy, retention
from compress.profiles import Profile, predict, worst_way
from compress.profiles.estimated import estimate as estimate_latency
from compress.profiles.estimated import estimate_expected
from compress.spaces import Space

DRAWS = 5_000
"""Students drawn of a space too large to be looked at whole."""

_ROUNDS = 4
"""Times the front's neighbours are looked at, while they make it better."""

Knobs = Mapping[str, Any]


@dataclass(frozen=True)
class Candidate:
    """A student, the choices it was built from, and what is estimated of it."""

    knobs: Knobs
    spec: TrackerSpec
    latency: Latency
    prior: PriorAccuracy


@dataclass(frozen=True)
class Judge:
    """Estimates students of one teacher.

    Attributes:
        basis: What latency is told from: an estimated target, or parts measured on a device.
    """

    basis: Profile | Target
    name: str
    teacher: TrackerSpec

    def __call__(self, knobs: Knobs, spec: TrackerSpec) -> Candidate:
        return Candidate(knobs, spec, latency_of(self.basis, spec), self._prior(spec))

    @property
    def measured(self) -> bool:
        """Whether the device's own parts were measured."""
        return isinstance(self.basis, Profile)

    @property
    def errors(self) -> tuple[float, float]:
        """Of latency on trackers left out: mean and largest, relative; 0 where none was."""
        told = self.basis if isinstance(self.basis, Profile) else self.basis.estimates
        return (told.mean_error or 0.0, told.max_error or 0.0) if told else (0.0, 0.0)

    @property
    def limits(self) -> str:
        """What the latencies cannot know, in words."""
        return self.basis.estimates.limits if isinstance(self.basis, Target) and self.basis.estimates else ""

    def extrapolates(self, spec: TrackerSpec) -> bool:
        """Whether latency is beyond all that its estimate was fitted to; what was measured has no such end."""
        return isinstance(self.basis, Target) and self.basis.extrapolates(spec)

    def teacher_latency(self) -> Latency:
        """With every frame at the last exit, which is what is published of its accuracy."""
        if isinstance(self.basis, Profile):
            return predict(self.basis, self.teacher, {worst_way(self.teacher): 1} if self.teacher.exits else None)
        profile = self.basis.estimates
        assert profile is not None
        last = [0.0] * (len(self.teacher.exits) - 1) + [1.0] if self.teacher.exits else None
        found = estimate_expected(profile, self.teacher, exit_shares=last)
        worst = estimate_latency(profile, self.teacher).mean_ms if self.teacher.adaptive else None
        return replace(found, worst_ms=worst)

    def teacher_prior(self) -> PriorAccuracy:
        """What is published of the teacher, or all of its own accuracy."""
        figure = published_accuracy(self.name, DEFAULT_METRIC)
        if figure is None:
            return PriorAccuracy(SHARE, 1.0, 1.0, 1.0, 1.0, "nothing published")
        return PriorAccuracy(figure.metric, figure.value, figure.value, figure.value, figure.value, figure.source)

    def _prior(self, spec: TrackerSpec) -> PriorAccuracy:
        found = estimate(self.name, spec)
        whole = self.teacher_prior()
        if found is None:
            kept = retention(self.teacher, spec)
            return PriorAccuracy(SHARE, kept.mean, kept.low, kept.high, 1.0, whole.source)
        return PriorAccuracy(found.metric, found.mean, found.low, found.high, whole.teacher, found.source)


def look_at(space: Space, judge: Judge, constraint: Constraint, seed: int, *, draws: int = DRAWS) -> list[Candidate]:
    """Every student of a small space, else `draws` of them and then what lies a choice away from their front.

    Each student once, in the order met; the teacher itself is none.
    """
    found: dict[TrackerSpec, Candidate] = {}

    def add(knobs: Knobs, spec: TrackerSpec) -> None:
        if spec not in found and spec != judge.teacher:
            found[spec] = judge(knobs, spec)

    if space.combinations(judge.teacher) <= draws:
        for knobs, spec in _every(space, judge.teacher):
            add(knobs, spec)
        return list(found.values())
    rng = random.Random(seed)
    for _ in range(draws):
        add(*_built(space, judge.teacher, lambda _, values: rng.choice(values)))
    seen: set[TrackerSpec] = set()
    for _ in range(_ROUNDS):
        fresh = [each for each in front_of(list(found.values()), constraint) if each.spec not in seen]
        seen.update(each.spec for each in fresh)
        for member in fresh:
            for knobs, spec in _a_choice_away(space, judge.teacher, member.knobs):
                add(knobs, spec)
    return list(found.values())


def front_of(candidates: Sequence[Candidate], constraint: Constraint) -> list[Candidate]:
    """Those within the bound that no other one beats in estimated latency and accuracy, fastest first; no twins."""
    within = [each for each in distinct(candidates) if keeps(each, constraint)]
    order, below = _staircase(within)
    return [within[i] for i in order if below[i] == 0]


def nearest_to_front(candidates: Sequence[Candidate], constraint: Constraint, count: int) -> list[Candidate]:
    """The front, the front of what keeps the bound on every frame, then what lies least below; at most `count`.

    No twins. A front of more than `count` is thinned evenly. Where nothing is within the bound: what misses it least.
    """
    single = distinct(candidates)
    within = [each for each in single if keeps(each, constraint)]
    if not within:
        return sorted(single, key=lambda each: constraint.value(each.latency))[:count]
    order, below = _staircase(within)
    front = [within[i] for i in order if below[i] == 0]
    if len(front) >= count:
        return spread(front, count)
    others = sorted((int(i) for i in order if below[i] > 0), key=lambda i: below[i])
    always = front_of(within, replace(constraint, at="worst"))
    chosen = {each.spec: each for each in (*front, *always, *(within[i] for i in others))}
    return list(chosen.values())[:count]


def distinct(candidates: Sequence[Candidate]) -> list[Candidate]:
    """One of each set of twins, which no estimate tells apart: that with the fastest worst path, else the first met."""
    found: dict[tuple[float, float], Candidate] = {}
    for each in candidates:
        twin = found.setdefault(_figures(each), each)
        if each.latency.at("worst") < twin.latency.at("worst"):
            found[_figures(each)] = each
    return list(found.values())


def keeps(candidate: Candidate, constraint: Constraint) -> bool:
    """Whether the bound is kept by estimate."""
    return constraint.max_ms is None or constraint.value(candidate.latency) <= constraint.max_ms


def spread(values: Sequence[Any], count: int) -> list[Any]:
    """At most `count` of `values`, evenly, the first and the last among them."""
    if len(values) <= count:
        return list(values)
    return [values[round(i * (len(values) - 1) / max(1, count - 1))] for i in range(count)]


def _figures(candidate: Candidate) -> tuple[float, float]:
    return round(candidate.latency.mean_ms, 9), round(candidate.prior.mean, 9)


def _staircase(candidates: Sequence[Candidate]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """The order by latency, and of each by how much accuracy it lies below the best that is as fast; 0 on the front."""
    ms = np.array([each.latency.mean_ms for each in candidates])
    accuracy = np.array([each.prior.mean for each in candidates])
    order = np.lexsort((-accuracy, ms))
    best = np.maximum.accumulate(accuracy[order])
    ahead = np.concatenate([[-np.inf], best[:-1]]) if len(best) else best
    below = np.empty_like(accuracy)
    # One that is slower and only as accurate is beaten too, if by nothing that can be measured in accuracy.
    below[order] = np.where(accuracy[order] > ahead, 0.0, np.maximum(best - accuracy[order], 1e-12))
    return order, below


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
