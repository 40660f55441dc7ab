"""What a knob is, and the student in the making that knobs change."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from compress.core import BypassSpec, ExitSpec, LayerSpec, TrackerSpec

Scalar = str | int | float
"""A choice is a JSON scalar, so that a study can store it."""

_T = TypeVar("_T")


@dataclass
class Draft:
    """A student in the making: how many layers, and, once picked, which; what makes it adaptive."""

    teacher: TrackerSpec
    depth: int
    layers: list[LayerSpec]
    bypass: BypassSpec | None = None
    exits: tuple[ExitSpec, ...] = ()

    def each(self, change: Callable[[LayerSpec], LayerSpec]) -> None:
        """Replace every layer."""
        self.layers = [change(layer) for layer in self.layers]

    def spec(self) -> TrackerSpec:
        """The finished student. Candidate elimination does not go with bypass or exits, so it gives way to them."""
        layers = tuple(self.layers)
        if self.bypass is not None or self.exits:
            layers = tuple(layer if layer.keep is None else replace(layer, keep=None) for layer in layers)
        return replace(self.teacher, layers=layers, bypass=self.bypass, exits=self.exits)


class Knob(Protocol):
    """One searched choice.

    Attributes:
        wanted: What a value must be, to complete "must be …".
        needs: The knob that must be on for this one to mean anything; None asks always.
    """

    wanted: str
    needs: str | None

    def accepts(self, value: object) -> bool:
        """Whether a value means something, for whatever teacher."""

    def default(self, teacher: TrackerSpec) -> Scalar:
        """The value that stays nearest the teacher; used where a space leaves the knob out."""

    def fit(self, values: tuple[Scalar, ...], teacher: TrackerSpec) -> tuple[Scalar, ...]:
        """The values as they apply to one teacher: never empty, no two the same."""

    def apply(self, draft: Draft, value: Scalar) -> None:
        """Change the draft."""


NEVER = "never"
"""The value that switches a knob, and those that need it, off."""


def unique(values: Iterable[_T]) -> tuple[_T, ...]:
    """Each value once, in the order given."""
    return tuple(dict.fromkeys(values))
