"""`Knob`: one searched choice; the tables of all knobs, of what goes together, and of what a backbone cannot vary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar, runtime_checkable

from compress.core import LayerSpec, Registry, TrackerSpec, UsageError
from compress.spaces.draft import Draft, Scalar

_T = TypeVar("_T")

NEVER = "never"
"""The value that switches a knob, and those that need it, off."""


class Knob(Protocol):
    """One searched choice.

    Attributes:
        wanted: What a value must be, to complete "must be …".
        needs: The knob that must be on for this one to have an effect; None for a knob that always has.
    """

    wanted: str
    needs: str | None

    def accepts(self, value: object) -> bool:
        """Whether a value means something, for any teacher."""

    def default(self, teacher: TrackerSpec) -> Scalar:
        """The value that stays nearest the teacher; used where a space leaves the knob out."""

    def fit(self, values: tuple[Scalar, ...], teacher: TrackerSpec) -> tuple[Scalar, ...]:
        """The values as they apply to one teacher: never empty, no two the same."""

    def apply(self, draft: Draft, value: Scalar) -> None:
        """Change the draft."""


@runtime_checkable
class LayerKnob(Knob, Protocol):
    """A choice that changes each layer by itself, so that it may be made layer by layer; see `Space.per_layer`."""

    def change(self, layer: LayerSpec, teacher: TrackerSpec, value: Scalar) -> LayerSpec:
        """The layer, which comes of the teacher's layer `layer.source`, with a value of the knob."""


KNOBS: Registry[Knob] = Registry("knob")
"""Every knob, in the order of the build: each one acts on what those before it left. One from outside comes last."""

FIXED_KNOBS: Registry[Mapping[str, Scalar]] = Registry("fixed knobs of a backbone")
"""By backbone, the knobs that its trackers cannot vary, each with the one value that it has there."""

ONLY_WITH: Registry[Mapping[str, Scalar]] = Registry("companions of a knob")
"""By knob, what others, which come before it, must be for it to have an effect, beside the knob that it needs."""


def parameter_of(knob: str, source: int) -> str:
    """The name of a knob's choice for the layer that comes of the teacher's layer `source`, such as `mlp_ratio.3`."""
    return f"{knob}.{source}"


def knob_and_layer(parameter: str) -> tuple[str, int | None]:
    """The knob of a choice, and the teacher's layer that it is for; None where it is for all."""
    knob, _, source = parameter.rpartition(".")
    return (parameter, None) if parameter in KNOBS or not source.isdigit() else (knob, int(source))


def is_conditional(parameter: str) -> bool:
    """Whether a choice has an effect only with some values of others."""
    return knob_and_layer(parameter)[1] is not None or KNOBS[parameter].needs is not None or parameter in ONLY_WITH


def applies(name: str, chosen: Mapping[str, Scalar], teacher: TrackerSpec) -> bool:
    """Whether a knob has an effect, the others being as chosen, or else as the teacher has them."""

    def value(other: str) -> Scalar:
        return chosen[other] if other in chosen else KNOBS[other].default(teacher)

    if name in ONLY_WITH and any(value(other) != only for other, only in ONLY_WITH[name].items()):
        return False
    needs = KNOBS[name].needs
    return needs is None or (value(needs) != NEVER and applies(needs, chosen, teacher))


def fitted(name: str, values: tuple[Scalar, ...], teacher: TrackerSpec) -> tuple[Scalar, ...]:
    """The values of a knob as they apply to one teacher: never empty, no two the same.

    Raises:
        UsageError: the teacher cannot have what the knob switches on, and `never` is not among the values.
    """
    fixed = FIXED_KNOBS[teacher.backbone].get(name)
    if fixed is None:
        return KNOBS[name].fit(values, teacher)
    return only_never(name, values, teacher) if fixed == NEVER else (fixed,)


def only_never(name: str, values: tuple[Scalar, ...], teacher: TrackerSpec) -> tuple[Scalar, ...]:
    """`never`, for a teacher that cannot have what a knob switches on.

    Raises:
        UsageError: the space does not offer that; a static student would be no substitute for the others.
    """
    if NEVER in values:
        return (NEVER,)
    raise UsageError(
        f"{name} must be never for this teacher, a {teacher.backbone} with a {teacher.head.kind} head, but the space "
        f"offers only {', '.join(map(str, values))}. Add never to it, or take another teacher."
    )


def unique(values: Iterable[_T]) -> tuple[_T, ...]:
    """Each value once, in the order given."""
    return tuple(dict.fromkeys(values))
