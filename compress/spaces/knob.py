"""`Knob`: one searched choice; the table of all knobs, and of those that a backbone cannot vary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar

from compress.core import Registry, TrackerSpec, UsageError
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


KNOBS: Registry[Knob] = Registry("knob")
"""Every knob, in the order of the build: each one acts on what those before it left. One from outside comes last."""

FIXED_KNOBS: Registry[Mapping[str, Scalar]] = Registry("fixed knobs of a backbone")
"""By backbone, the knobs that its trackers cannot vary, each with the one value that it has there."""


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
