"""`Space`: the choices of a search, and the way from one choice each to a `TrackerSpec`."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from compress.core import TrackerSpec, UsageError
from compress.spaces.knobs import KNOBS, Draft, Scalar


@dataclass(frozen=True)
class Space:
    """A search space. Every combination of its choices is a valid tracker, for every plain-ViT teacher.

    Choices are relative to the teacher: one beyond it (a depth of 12 for a teacher of 8 layers) stands for
    the teacher's own value, and choices that so become equal count once.

    Attributes:
        name: Of the file, without its suffix.
        knobs: Knob name to the choices of the file. A knob left out stays as the teacher has it.
        description: The file's own words.
    """

    name: str
    knobs: Mapping[str, tuple[Scalar, ...]]
    description: str = ""

    def choices(self, teacher: TrackerSpec) -> dict[str, tuple[Scalar, ...]]:
        """What each knob offers for one teacher, in the order of the build."""
        return {name: knob.fit(self.knobs[name], teacher) for name, knob in KNOBS.items() if name in self.knobs}

    def spec(self, teacher: TrackerSpec, choose: Callable[[str, Sequence[Any]], Any]) -> TrackerSpec:
        """Build one student.

        Args:
            teacher: The tracker to compress; `source` of the student's layers are indices of its layers.
            choose: Called once per knob with its name and choices (JSON scalars); for one teacher each name
                always comes with the same choices, as Optuna's `suggest_categorical` demands.

        Raises:
            UsageError: where `choose` returns something else than one of the choices.
        """
        return _build(teacher, {name: _chosen(name, c, choose) for name, c in self.choices(teacher).items()})

    def sample(self, teacher: TrackerSpec, rng: random.Random) -> TrackerSpec:
        """One student, each knob drawn uniformly."""
        return self.spec(teacher, lambda name, choices: rng.choice(choices))

    def enumerate(self, teacher: TrackerSpec) -> Iterator[TrackerSpec]:
        """Every distinct student once: several combinations may describe the same one."""
        choices = self.choices(teacher)
        seen = set()
        for values in itertools.product(*choices.values()):
            spec = _build(teacher, dict(zip(choices, values, strict=True)))
            if spec not in seen:
                seen.add(spec)
                yield spec

    def combinations(self, teacher: TrackerSpec) -> int:
        """Number of combinations of choices: what a sampler sees. At least `size`, and free to compute."""
        return math.prod(map(len, self.choices(teacher).values()))

    def size(self, teacher: TrackerSpec) -> int:
        """Number of distinct students; builds them all."""
        return sum(1 for _ in self.enumerate(teacher))


def _build(teacher: TrackerSpec, values: Mapping[str, Scalar]) -> TrackerSpec:
    draft = Draft(teacher, len(teacher.layers), list(teacher.layers))
    for name, knob in KNOBS.items():
        knob.apply(draft, values[name] if name in values else knob.default(teacher))
    return replace(teacher, layers=tuple(draft.layers))


def _chosen(name: str, choices: tuple[Scalar, ...], choose: Callable[[str, Sequence[Any]], Any]) -> Scalar:
    value: Scalar = choose(name, choices)
    if value not in choices:
        raise UsageError(f"{name} must be one of {', '.join(map(str, choices))} but {value!r} was chosen.")
    return value
