"""The operators that graphs of bundles may have, each with the shapes it puts out.

Whatever is not here is refused, so no graph can loop, draw random numbers, read files or run code of its own. The list
holds what the exports of all families use, and others of one pass over their inputs, of which backbones from outside
the package may be made. Shapes and attributes are as https://onnx.ai/onnx/operators says. `If` is not here: its
branches are graphs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compress.runtime.onnx_file import Node
from compress.runtime.operators import computations, integers, layouts
from compress.runtime.operators.known import Given, Known, Rule, parts_of

_SAME = """
Abs BatchNormalization Ceil Clip Cos Elu Erf Exp Floor Gelu HardSigmoid HardSwish Identity InstanceNormalization
LayerNormalization LeakyRelu Log LogSoftmax Mish Neg Not Reciprocal Relu Round ScatterElements Sigmoid Sign Sin Softmax
Softplus Sqrt Tanh
"""
_ELEMENTWISE = "Add Div Max Min Mul PRelu Pow Sub"
_COMPARISONS = "And Equal Greater GreaterOrEqual Less LessOrEqual Or"
_REDUCTIONS = "ReduceMax ReduceMean ReduceMin ReduceSum"

RULES: dict[str, Rule] = {
    **dict.fromkeys(_SAME.split(), layouts.same),
    **dict.fromkeys(_ELEMENTWISE.split(), layouts.elementwise),
    **dict.fromkeys(_COMPARISONS.split(), layouts.comparison),
    **dict.fromkeys(_REDUCTIONS.split(), computations.reduce),
    "AveragePool": computations.pool,
    "Cast": layouts.cast,
    "Concat": layouts.concat,
    "Constant": layouts.constant,
    "ConstantOfShape": layouts.constant_of_shape,
    "Conv": computations.conv,
    "ConvTranspose": computations.conv_transpose,
    "DequantizeLinear": integers.dequantize,
    "DynamicQuantizeLinear": integers.dynamic_quantize,
    "Expand": layouts.expand,
    "Flatten": layouts.flatten,
    "Gather": layouts.gather,
    "GatherElements": layouts.gather_elements,
    "Gemm": computations.gemm,
    "MatMul": computations.matmul,
    "MatMulInteger": integers.matmul,
    "MaxPool": computations.pool,
    "QuantizeLinear": integers.quantize,
    "Reshape": layouts.reshape,
    "Resize": computations.resize,
    "Shape": layouts.shape,
    "Slice": layouts.slice,
    "Split": layouts.split,
    "Squeeze": layouts.squeeze,
    "TopK": computations.top_k,
    "Transpose": layouts.transpose,
    "Unsqueeze": layouts.unsqueeze,
    "Where": layouts.where,
}

_OPTIONAL = {"Clip", "Resize"}
"""Operators some of whose inputs may be left out before others."""

_WRONG = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def outputs_of(node: Node, given: list[Known | None]) -> list[Known]:
    """What an operator puts out.

    Args:
        given: What is known of its inputs; None for one left out.

    Raises:
        ValueError: an unknown operator, or inputs and attributes that do not go together.
    """
    rule = RULES.get(node.op)
    if rule is None:
        raise ValueError(f"it has the operator {node.op[:80]!r}, which no graph of a bundle has")
    there = [each for each in given if each is not None]
    try:
        if len(there) < len(given) and node.op not in _OPTIONAL:
            raise ValueError("one is left out")
        found = rule(node, there)
        if len(node.outputs) != len(found):
            raise ValueError(f"{len(node.outputs)} outputs")
        values = _values(node, there, *found[0]) if len(found) == 1 else None
    except _WRONG as error:
        raise ValueError(f"an operator {node.op} cannot be run as it stands there ({str(error)[:120]})") from error
    constant = node.op == "Shape" or all(each.constant for each in there)
    return [Known(dtype, shape, values, constant) for dtype, shape in found]


def work_of(node: Node, given: list[Known | None], found: list[Known]) -> int:
    """Multiply-accumulates of an operator, and about as many for each value that another one touches."""
    sizes = [each.size for each in (*given, *found) if each is not None]
    if node.op in ("MatMul", "MatMulInteger", "Gemm") and given[0]:
        return found[0].size * (given[0].shape[0 if node.attributes.get("transA") else -1])
    if node.op in ("Conv", "ConvTranspose") and given[0] and given[1]:
        moved = found[0] if node.op == "Conv" else given[0]
        return moved.size * math.prod(given[1].shape[1:])
    if node.op in ("AveragePool", "MaxPool"):
        return found[0].size * math.prod(node.attributes["kernel_shape"])
    return max(sizes, default=0)


_COMPUTED: dict[str, Callable[[Node, list[Any]], Any]] = {
    "Add": lambda node, x: x[0] + x[1],
    "Cast": lambda node, x: x[0],
    "Concat": lambda node, x: np.concatenate(x, axis=node.attributes["axis"]),
    "Constant": lambda node, x: node.attributes["value"].values,
    "ConstantOfShape": lambda node, x: node.attributes["value"].values if "value" in node.attributes else 0,
    "Div": lambda node, x: x[0] // x[1] if x[0].dtype.kind == "i" else x[0] / x[1],
    "Equal": lambda node, x: x[0] == x[1],
    "Expand": lambda node, x: x[0],
    "Gather": lambda node, x: np.take(x[0], x[1], axis=node.attributes.get("axis", 0)),
    "Identity": lambda node, x: x[0],
    "Mul": lambda node, x: x[0] * x[1],
    "Reshape": lambda node, x: x[0].reshape(-1),
    "Squeeze": lambda node, x: x[0].reshape(-1),
    "Sub": lambda node, x: x[0] - x[1],
    "Unsqueeze": lambda node, x: x[0].reshape(-1),
    "Where": lambda node, x: np.where(*x),
}
"""Values of the operators that shapes are computed with, as they can be broadcast or laid out to the output's shape."""


def _values(node: Node, given: Given, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any] | None:
    """Of few values, and where all inputs are known."""
    if not Known(dtype, shape).few:
        return None
    if node.op == "Shape":
        found = given[0].shape[node.attributes.get("start", 0) : node.attributes.get("end")]
        return np.array(found, dtype)
    inputs = [each.values for each in given if each.values is not None]
    if len(inputs) < len(given):
        return None
    if node.op == "Slice":
        return inputs[0][parts_of(given)]
    if node.op not in _COMPUTED:
        return None
    with np.errstate(all="ignore"):
        values = np.asarray(_COMPUTED[node.op](node, inputs)).astype(dtype)
    return values.reshape(shape) if values.size == math.prod(shape) else np.broadcast_to(values, shape)
