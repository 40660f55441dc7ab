"""Shapes of operators that select, order or lay out values, or compute each by itself."""

from __future__ import annotations

import math

import numpy as np

from compress.runtime.onnx_file import DTYPES, Node, Tensor
from compress.runtime.operators.known import Given, Outputs, axes_of, axis_of, broadcast, integers, parts_of, sizes

_BOOL, _INT64 = DTYPES[9], DTYPES[7]


def same(node: Node, given: Given) -> Outputs:
    """The first input's."""
    return [(given[0].dtype, given[0].shape)]


def elementwise(node: Node, given: Given) -> Outputs:
    """Shapes that are broadcast, the first input's type."""
    return [(given[0].dtype, broadcast(given))]


def comparison(node: Node, given: Given) -> Outputs:
    """Shapes that are broadcast, true or false."""
    return [(_BOOL, broadcast(given))]


def where(node: Node, given: Given) -> Outputs:
    """The second input's type."""
    return [(given[1].dtype, broadcast(given))]


def cast(node: Node, given: Given) -> Outputs:
    """The type named."""
    return [(DTYPES[node.attributes["to"]], given[0].shape)]


def constant(node: Node, given: Given) -> Outputs:
    """The constant's."""
    value: Tensor = node.attributes["value"]
    return [(value.dtype, value.shape)]


def constant_of_shape(node: Node, given: Given) -> Outputs:
    """A shape that is an input."""
    value = node.attributes.get("value")
    return [(value.dtype if value else DTYPES[1], sizes(given[0]))]


def shape(node: Node, given: Given) -> Outputs:
    """The sizes of the axes."""
    return [(_INT64, (len(given[0].shape[node.attributes.get("start", 0) : node.attributes.get("end")]),))]


def reshape(node: Node, given: Given) -> Outputs:
    """0 keeps an axis, −1 is what is left."""
    old, wanted = given[0].shape, integers(given[1])
    if not node.attributes.get("allowzero"):
        wanted = [old[i] if size == 0 else size for i, size in enumerate(wanted)]
    if wanted.count(-1) == 1:
        wanted[wanted.index(-1)] = math.prod(old) // max(1, -math.prod(wanted))
    if min(wanted, default=0) < 0 or math.prod(wanted) != math.prod(old):
        raise ValueError(f"{list(old)} is no {wanted}")
    return [(given[0].dtype, tuple(wanted))]


def flatten(node: Node, given: Given) -> Outputs:
    """Two axes."""
    shape, axis = given[0].shape, node.attributes.get("axis", 1)
    return [(given[0].dtype, (math.prod(shape[:axis]), math.prod(shape[axis:])))]


def transpose(node: Node, given: Given) -> Outputs:
    """Axes in another order."""
    shape = given[0].shape
    order = node.attributes.get("perm", tuple(range(len(shape)))[::-1])
    if sorted(order) != list(range(len(shape))):
        raise ValueError("no order of the axes")
    return [(given[0].dtype, tuple(shape[i] for i in order))]


def squeeze(node: Node, given: Given) -> Outputs:
    """Axes of size 1 left out."""
    shape = given[0].shape
    axes = axes_of(given[1], len(shape)) if len(given) > 1 else [i for i, size in enumerate(shape) if size == 1]
    if any(shape[i] != 1 for i in axes):
        raise ValueError("an axis of another size than 1")
    return [(given[0].dtype, tuple(size for i, size in enumerate(shape) if i not in axes))]


def unsqueeze(node: Node, given: Given) -> Outputs:
    """Axes of size 1 put in."""
    left = list(given[0].shape)
    for axis in sorted(axes_of(given[1], len(left) + given[1].size)):
        left.insert(axis, 1)
    return [(given[0].dtype, tuple(left))]


def expand(node: Node, given: Given) -> Outputs:
    """A shape that is an input, broadcast."""
    return [(given[0].dtype, np.broadcast_shapes(given[0].shape, sizes(given[1])))]


def concat(node: Node, given: Given) -> Outputs:
    """Sizes along the axis add up."""
    first = list(given[0].shape)
    axis = axis_of(node.attributes["axis"], len(first))
    rest = {(*each.shape[:axis], *each.shape[axis + 1 :]) for each in given}
    if len(rest) != 1 or len({len(each.shape) for each in given}) != 1:
        raise ValueError("other sizes beside the axis")
    first[axis] = sum(each.shape[axis] for each in given)
    return [(given[0].dtype, tuple(first))]


def split(node: Node, given: Given) -> Outputs:
    """Parts along the axis."""
    shape, count = given[0].shape, len(node.outputs)
    axis = axis_of(node.attributes.get("axis", 0), len(shape))
    parts = integers(given[1]) if len(given) > 1 else [shape[axis] // count] * count
    if sum(parts) != shape[axis] or min(parts) < 0 or len(parts) != count:
        raise ValueError("parts that are not the whole")
    return [(given[0].dtype, (*shape[:axis], size, *shape[axis + 1 :])) for size in parts]


def slice(node: Node, given: Given) -> Outputs:
    """Parts of the axes."""
    shape = given[0].shape
    return [(given[0].dtype, tuple(len(range(n)[part]) for n, part in zip(shape, parts_of(given), strict=True)))]


def gather(node: Node, given: Given) -> Outputs:
    """The indices' shape in the place of the axis."""
    shape = given[0].shape
    axis = axis_of(node.attributes.get("axis", 0), len(shape))
    return [(given[0].dtype, (*shape[:axis], *given[1].shape, *shape[axis + 1 :]))]


def gather_elements(node: Node, given: Given) -> Outputs:
    """The indices' shape."""
    return [(given[0].dtype, given[1].shape)]
