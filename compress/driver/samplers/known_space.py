"""What can be known of a space before anything is trained: its choices, and which students keep the bound."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import FrozenTrial

from compress.core import ConstraintCheck, TrackerSpec
from compress.spaces import Space, is_conditional, random_choice

Knobs = dict[str, Any]
"""Knobs that apply, by name, and what was chosen of each."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A student that can be drawn.

    Attributes:
        knobs: The choices that make it.
        ms: Predicted mean milliseconds a frame; of an adaptive student a bound from below.
        passes: Whether it keeps the bound, as the search's own gate has it.
    """

    knobs: Knobs
    spec: TrackerSpec
    ms: float
    passes: bool

    @cached_property
    def student_id(self) -> str:
        """Of its spec."""
        return self.spec.student_id


@dataclass
class KnownSpace:
    """A space for one teacher under one bound."""

    space: Space
    teacher: TrackerSpec
    gate: Callable[[TrackerSpec], ConstraintCheck]
    _kept: dict[tuple[tuple[str, Any], ...], Candidate] = field(default_factory=dict, repr=False)
    _found: dict[frozenset[tuple[str, Any]], Candidate] = field(default_factory=dict, repr=False)
    _ended: dict[int, str] = field(default_factory=dict, repr=False)

    @cached_property
    def choices(self) -> dict[str, tuple[Any, ...]]:
        """What each knob offers."""
        return self.space.choices(self.teacher)

    @cached_property
    def distributions(self) -> dict[str, BaseDistribution]:
        """The knobs as Optuna's search space."""
        return {name: CategoricalDistribution(list(values)) for name, values in self.choices.items()}

    def combinations(self) -> int:
        """How many choices there are; several may describe one student."""
        return self.space.combinations(self.teacher)

    def candidate(self, choose: Callable[[str, tuple[Any, ...]], Any]) -> Candidate:
        """The student of some choices; each is predicted once."""
        knobs: Knobs = {}

        def chosen(name: str, values: Any) -> Any:
            knobs[name] = choose(name, tuple(values))
            return knobs[name]

        spec = self.space.spec(self.teacher, chosen)
        key = tuple(knobs.items())
        if key not in self._kept:
            check = self.gate(spec)
            self._kept[key] = Candidate(knobs, spec, check.latency.mean_ms, check.passes)
        return self._kept[key]

    def of(self, knobs: Mapping[str, Any]) -> Candidate:
        """The student of these choices; of knobs that are not among them the first choice."""
        key = frozenset(knobs.items())
        if key not in self._found:
            self._found[key] = self.candidate(lambda name, values: knobs.get(name, values[0]))
        return self._found[key]

    def draw(self, rng: random.Random) -> Candidate:
        """A student; see `random_choice`."""
        return self.candidate(random_choice(rng))

    def neighbours(self, knobs: Mapping[str, Any]) -> Iterator[Candidate]:
        """Students that differ in one choice."""
        for name, values in self.choices.items():
            for value in values if name in knobs else ():
                if value != knobs[name]:
                    yield self.of({**knobs, name: value})

    def misses(self, trials: Iterable[FrozenTrial], most: int = 8) -> list[Candidate]:
        """Where no trial kept the bound, and fewer than `most` were drawn: the fastest student seen that was not.

        A search that finds nothing within the bound so records how near it came.
        """
        trials = [each for each in trials if each.params]
        if len(trials) >= most or any(self.of(each.params).passes for each in trials):
            return []
        drawn = self.drawn(trials)
        seen = [each for each in self._kept.values() if each.student_id not in drawn]
        return sorted(seen, key=lambda each: each.ms)[:1]

    def all(self) -> list[Candidate]:
        """Every distinct student once, in the order of the space."""
        found: dict[str, Candidate] = {}
        for candidate in map(self.of, self._every({}, list(self.choices))):
            found.setdefault(candidate.student_id, candidate)
        return list(found.values())

    def drawn(self, trials: Iterable[FrozenTrial]) -> set[str]:
        """`student_id` of the teacher and of all that the trials of a study drew."""
        found = {self.teacher.student_id}
        for trial in trials:
            if trial.params and trial.number not in self._ended:
                drawn = self.of(trial.params).student_id
                found.add(drawn)
                if trial.state.is_finished():
                    self._ended[trial.number] = drawn
        return found | set(self._ended.values())

    def _every(self, knobs: Knobs, names: list[str]) -> Iterator[Knobs]:
        if not names:
            yield knobs
            return
        name, rest = names[0], names[1:]
        # One choice is enough of a knob that does not apply.
        off = is_conditional(name) and name not in self.of(knobs).knobs
        for value in self.choices[name][: 1 if off else None]:
            yield from self._every({**knobs, name: value}, rest)


@runtime_checkable
class SpaceAware(Protocol):
    """A sampler that learns of the space before it is first asked."""

    def check(self, space: Space, teacher: TrackerSpec) -> None:
        """Refuse a space that it cannot work with, before anything is measured or trained.

        Raises:
            UsageError: saying why, and what to do instead.
        """
        ...

    def learn(self, known: KnownSpace) -> None:
        """Take in what is known.

        Raises:
            UsageError: as `check`.
        """
        ...

    def reseed(self, seed: int) -> None:
        """Draw the next trial from this seed: a search that was stopped goes on as one that was not."""
        ...

    def exhausted(self, study: optuna.Study) -> bool:
        """Whether there is nothing left to draw."""
        ...
