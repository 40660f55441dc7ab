"""`Space`: the choices of a search, and how one choice of each knob makes a `TrackerSpec`."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from compress.core import TrackerSpec, UsageError
from compress.spaces.counting import combinations
from compress.spaces.draft import Draft, Scalar
from compress.spaces.knob import KNOBS, LayerKnob, applies, fitted, knob_and_layer, parameter_of


@dataclass(frozen=True)
class Space:
    """A search space. Every combination of its choices is a valid tracker, for every teacher.

    Choices are relative to the teacher: one beyond it (a depth of 12 for a teacher of 8 layers) stands for
    the teacher's own value, and choices that so become equal count once.

    Attributes:
        name: Of the file, without its suffix.
        knobs: Knob name to the choices of the file. A knob left out stays as the teacher has it.
        description: As the file gives it.
        per_layer: Knobs that change each layer by itself (`LayerKnob`) are chosen layer by layer. Their choices are
            named by the teacher's layer, `mlp_ratio.3`: what a layer can spare depends on what it has learned, not on
            which others stand in front of it.
    """

    name: str
    knobs: Mapping[str, tuple[Scalar, ...]]
    description: str = ""
    per_layer: bool = False

    def by_knob(self, teacher: TrackerSpec) -> dict[str, tuple[Scalar, ...]]:
        """What each knob offers for one teacher, in the order of the build, whether layers differ in it or not."""
        return {name: fitted(name, self.knobs[name], teacher) for name in KNOBS if name in self.knobs}

    def by_layer(self, teacher: TrackerSpec) -> dict[str, tuple[Scalar, ...]]:
        """Those of `by_knob` that are chosen layer by layer: where layers may differ, and there is a choice."""
        return {name: values for name, values in self.by_knob(teacher).items() if self._layered(name, values)}

    def _layered(self, knob: str, values: tuple[Scalar, ...]) -> bool:
        return self.per_layer and len(values) > 1 and isinstance(KNOBS[knob], LayerKnob)

    def choices(self, teacher: TrackerSpec) -> dict[str, tuple[Scalar, ...]]:
        """What each choice offers for one teacher, in the order of the build: a choice is a knob, or a knob's for the
        layer that comes of one of the teacher's.
        """
        return {name: values for name, values in self._steps(teacher).items() if values}

    def spec(self, teacher: TrackerSpec, choose: Callable[[str, Sequence[Any]], Any]) -> TrackerSpec:
        """Build one student.

        Args:
            teacher: The tracker to compress; `source` of the student's layers are indices of its layers.
            choose: Called once per choice that applies (no `tau0` without `bypass`, no `mlp_ratio.3` without the
                teacher's layer 3) with its name and values (JSON scalars); for one teacher each name always comes with
                the same values, as Optuna's `suggest_categorical` demands.

        Raises:
            UsageError: where `choose` returns something else than one of the values.
        """
        draft, chosen = _start(teacher), dict[str, Scalar]()
        for name, values in self._steps(teacher).items():
            if _applies(name, chosen, draft):
                value = _chosen(name, values, choose) if values else KNOBS[name].default(teacher)
                chosen |= {name: value} if values else {}
                _apply(draft, name, value)
        return draft.spec()

    def sample(self, teacher: TrackerSpec, rng: random.Random) -> TrackerSpec:
        """One student; see `random_choice`."""
        return self.spec(teacher, random_choice(rng))

    def enumerate(self, teacher: TrackerSpec) -> Iterator[TrackerSpec]:
        """Every distinct student once: several combinations may describe the same one."""
        seen = set()
        for draft in _drafts(_start(teacher), {}, list(self._steps(teacher).items())):
            spec = draft.spec()
            if spec not in seen:
                seen.add(spec)
                yield spec

    def combinations(self, teacher: TrackerSpec) -> int:
        """Number of combinations of choices that apply, from which a sampler draws: at least `size`, but quick."""
        choices, layered = self.by_knob(teacher), self.by_layer(teacher)
        rest = {name: values for name, values in choices.items() if name not in layered}
        if not layered:
            return combinations(rest, teacher)
        each, total = math.prod(map(len, layered.values())), 0
        for depth in rest.get("depth", (len(teacher.layers),)):
            given = {**rest, "depth": (depth,)} if "depth" in rest else rest
            total += each ** int(depth) * combinations(given, teacher)
        return total

    def size(self, teacher: TrackerSpec) -> int:
        """Number of distinct students; builds them all."""
        return sum(1 for _ in self.enumerate(teacher))

    def _steps(self, teacher: TrackerSpec) -> dict[str, tuple[Scalar, ...]]:
        """Every knob in the order of the build, or its choices by layer; without values where the space has none."""
        found: dict[str, tuple[Scalar, ...]] = {}
        for name in KNOBS:
            values = fitted(name, self.knobs[name], teacher) if name in self.knobs else ()
            layers = range(len(teacher.layers)) if self._layered(name, values) else ()
            found |= {parameter_of(name, i): values for i in layers} or {name: values}
        return found


def random_choice(rng: random.Random) -> Callable[[str, Sequence[Any]], Any]:
    """What chooses for one student, for `Space.spec`: each choice is drawn uniformly.

    Of a knob that is chosen layer by layer, the values that its layers have among them are drawn first: if each layer
    drew from all, students would hardly differ in their means, and none would be thin or wide throughout.
    """
    among: dict[str, list[Any]] = {}

    def choose(name: str, values: Sequence[Any]) -> Any:
        knob, source = knob_and_layer(name)
        if source is not None and knob not in among:
            among[knob] = rng.sample(list(values), rng.randint(1, len(values)))
        return rng.choice(among.get(knob, values))

    return choose


def _drafts(draft: Draft, chosen: Mapping[str, Scalar], steps: list[tuple[str, tuple[Scalar, ...]]]) -> Iterator[Draft]:
    """Every combination of the choices in `steps`, from a draft that those before them have changed."""
    if not steps:
        yield draft
        return
    (name, values), rest = steps[0], steps[1:]
    if not _applies(name, chosen, draft):
        yield from _drafts(draft, chosen, rest)
        return
    for value in values or (KNOBS[name].default(draft.teacher),):
        changed = replace(draft)
        _apply(changed, name, value)
        yield from _drafts(changed, {**chosen, name: value}, rest)


def _start(teacher: TrackerSpec) -> Draft:
    return Draft(teacher, len(teacher.layers), list(teacher.layers), precision=teacher.precision)


def _applies(name: str, chosen: Mapping[str, Scalar], draft: Draft) -> bool:
    """Whether a choice has an effect on a draft that those before it have changed."""
    knob, source = knob_and_layer(name)
    kept = source is None or any(layer.source == source for layer in draft.layers)
    return kept and applies(knob, chosen, draft.teacher)


def _apply(draft: Draft, name: str, value: Scalar) -> None:
    name, source = knob_and_layer(name)
    knob = KNOBS[name]
    if source is None:
        knob.apply(draft, value)
    elif isinstance(knob, LayerKnob):
        draft.layers = [knob.change(x, draft.teacher, value) if x.source == source else x for x in draft.layers]


def _chosen(name: str, choices: tuple[Scalar, ...], choose: Callable[[str, Sequence[Any]], Any]) -> Scalar:
    value: Scalar = choose(name, choices)
    if value not in choices:
        raise UsageError(f"{name} must be one of {', '.join(map(str, choices))} but {value!r} was chosen.")
    return value
