"""What is known of a graph's tensors before it runs, and reading sizes and axes out of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compress.runtime.onnx_file import Node, Tensor

_MOST_VALUES = 1024
"""Values of a tensor that are followed, since shapes may be computed from them."""
_MOST_AXES = 16


@dataclass(frozen=True)
class Known:
    """What is known of a tensor before the graph runs.

    Attributes:
        values: Where the graph alone says them and they are few, else None.
        constant: Whether it does not depend on the graph's inputs, so that onnxruntime computes it once.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    values: NDArray[Any] | None = None
    constant: bool = False

    @property
    def size(self) -> int:
        """How many values it has."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """What it takes of memory."""
        return self.size * self.dtype.itemsize

    @property
    def few(self) -> bool:
        """Whether its values are followed."""
        return self.size <= _MOST_VALUES


Given = Sequence[Known]
Outputs = list[tuple[np.dtype[Any], tuple[int, ...]]]
Rule = Callable[[Node, Given], Outputs]
"""Types and shapes of what an operator puts out; raises ValueError where its inputs do not go together."""


def of_tensor(tensor: Tensor) -> Known:
    """A constant of the graph."""
    known = Known(tensor.dtype, tensor.shape, constant=True)
    return Known(tensor.dtype, tensor.shape, tensor.values, constant=True) if known.few else known


def broadcast(given: Given) -> tuple[int, ...]:
    """The shape of all tensors together."""
    return np.broadcast_shapes(*(each.shape for each in given))


def values_of(given: Known) -> NDArray[Any]:
    """Values that must be known, because a shape hangs on them."""
    if given.values is None:
        raise ValueError("a size is computed while it runs")
    return given.values


def integers(given: Known) -> list[int]:
    """Known values of one axis, or one value."""
    return [int(value) for value in values_of(given).reshape(-1)]


def sizes(given: Known) -> tuple[int, ...]:
    """A known shape."""
    found = integers(given)
    if min(found, default=0) < 0 or len(found) > _MOST_AXES:
        raise ValueError(f"no shape of at most {_MOST_AXES} axes")
    return tuple(found)


def axis_of(axis: int, count: int) -> int:
    """An axis counted from the front."""
    if not -count <= axis < count:
        raise ValueError(f"no axis {axis} of {count}")
    return axis % count


def axes_of(given: Known, count: int) -> list[int]:
    """Known axes, counted from the front."""
    found = [axis_of(axis, count) for axis in integers(given)]
    if len(set(found)) < len(found):
        raise ValueError("an axis twice")
    return found


def parts_of(given: Given) -> tuple[slice, ...]:
    """What Slice takes of each axis of its first input."""
    count = len(given[0].shape)
    starts, ends = integers(given[1]), integers(given[2])
    axes = axes_of(given[3], count) if len(given) > 3 else list(range(len(starts)))
    steps = integers(given[4]) if len(given) > 4 else [1] * len(starts)
    found = [slice(None)] * count
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        # Going down to the first value and beyond is written as a number far below it.
        found[axis] = slice(start, None if step < 0 and end < -given[0].shape[axis] else end, step)
    return tuple(found)


def positive(values: Iterable[int]) -> tuple[int, ...]:
    """Sizes that there must be something of."""
    found = tuple(values)
    if min(found, default=1) < 1:
        raise ValueError("nothing is left")
    return found
