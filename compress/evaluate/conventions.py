"""What a convention of metrics is: how frames and sequences count, from boxes to the figures of a leaderboard.

A convention is added from outside by one registration, and then serves `compress evaluate --metrics NAME` and every
source that names it (`DataSource.convention`):

    CONVENTIONS.register("mine", Mine())
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as Items
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from compress.core import Registry
from compress.data import Sequence
from compress.evaluate.following import Run

Array = NDArray[np.float64]
Measured = Mapping[str, Array]
"""What a convention keeps of one sequence, by names of its own."""


@dataclass(frozen=True)
class Curve:
    """A curve of a plot.

    Attributes:
        name: What its file is called.
        x, y: (k,) thresholds, and the share of frames that pass each.
        x_label: What the thresholds are of.
        value: What the legend shows beside the tracker's name.
    """

    name: str
    x: Array
    y: Array
    x_label: str
    value: float


@dataclass(frozen=True)
class Figures:
    """What a convention says of some sequences.

    Attributes:
        values: By name, the most important first; shares in [0, 1].
    """

    values: dict[str, float]
    curves: tuple[Curve, ...] = ()


class Convention(Protocol):
    """Says how frames and sequences count.

    Attributes:
        summary: Whose code it agrees with, in a few words.
    """

    @property
    def summary(self) -> str: ...

    def measure(self, sequence: Sequence, run: Run) -> Measured:
        """What counts of one sequence that has a true box for each frame."""
        ...

    def figures(self, measured: Items[Measured]) -> Figures:
        """The figures of some sequences, of one at least; NaN where none of their frames counts."""
        ...


CONVENTIONS = Registry[Convention]("convention of metrics")

_PLOTS = (
    ("success", "overlap"),
    ("precision", "centre error, pixels"),
    ("norm_precision", "centre error over the size of the box"),
)


def curves_of(*given: tuple[Array, Array, float]) -> tuple[Curve, ...]:
    """Success, and where given precision and normalised precision: each of thresholds, shares, and its value."""
    return tuple(Curve(name, x, y, label, value) for (name, label), (x, y, value) in zip(_PLOTS, given, strict=False))


def has_area(boxes: Array) -> NDArray[np.bool_]:
    """(n,) which of (n, 4) boxes have a width and a height."""
    found: NDArray[np.bool_] = np.all(boxes[:, 2:] > 0, axis=1)
    return found


def share_above(values: Array, thresholds: Array) -> Array:
    """(k,) share of (n,) values above each threshold; zeros where there are none."""
    return np.asarray((values[:, None] > thresholds).mean(axis=0)) if len(values) else np.zeros(len(thresholds))
