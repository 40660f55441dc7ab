"""`Draft`: a student in the making, which one knob after the other changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from compress.core import BypassSpec, ExitSpec, KeepBy, LayerSpec, Precision, TrackerSpec

Scalar = str | int | float
"""A choice is a JSON scalar, so that a study can store it."""


@dataclass
class Draft:
    """A student in the making: how many layers, and, once picked, which; what makes it adaptive.

    Attributes:
        keep: Share of its search tokens that an eliminating layer passes on; None where none eliminates.
        keep_by: How it ranks them.
        keep_least: The least share that its weights are trained for; None for its own.
        search_size, template_size: Sides of its crops in pixels; None for the teacher's.
        keep_template: Share of each template's patches that go on; None for all.
        precision: What it computes in.
    """

    teacher: TrackerSpec
    depth: int
    layers: list[LayerSpec]
    bypass: BypassSpec | None = None
    exits: tuple[ExitSpec, ...] = ()
    keep: float | None = None
    keep_by: KeepBy = "attention"
    keep_least: float | None = None
    search_size: int | None = None
    template_size: int | None = None
    keep_template: float | None = None
    precision: Precision = "fp32"

    def each(self, change: Callable[[LayerSpec], LayerSpec]) -> None:
        """Replace every layer."""
        self.layers = [change(layer) for layer in self.layers]

    def spec(self) -> TrackerSpec:
        """The finished student. Candidate elimination does not go with bypass or exits, so it is left out then."""
        layers = tuple(self.layers)
        if self.bypass is not None or self.exits:
            layers = tuple(layer if layer.keep is None else replace(layer, keep=None) for layer in layers)
        told: dict[str, Any] = {
            "keep_by": "attention",
            "keep_least": None,
        }  # there is one way to say that none is left out
        if any(layer.keep is not None for layer in layers):
            told = {"keep_by": self.keep_by, "keep_least": self.keep_least}
        told |= {
            "search_size": self.search_size or self.teacher.search_size,
            "template_size": self.template_size or self.teacher.template_size,
        }
        told["keep_template"] = self.keep_template
        told["precision"] = self.precision
        return replace(self.teacher, layers=layers, bypass=self.bypass, exits=self.exits, **told)
