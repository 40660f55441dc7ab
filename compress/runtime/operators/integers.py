"""Shapes of operators between floating point and 8-bit integers, as quantised graphs have them."""

from __future__ import annotations

from compress.runtime.onnx_file import DTYPES, Node
from compress.runtime.operators import computations
from compress.runtime.operators.known import Given, Known, Outputs, axis_of

_FLOAT, _UINT8, _INT8, _INT32 = (DTYPES[number] for number in (1, 2, 3, 6))
_EIGHT_BITS = (_UINT8, _INT8)


def dynamic_quantize(node: Node, given: Given) -> Outputs:
    """The values in 8 bits, their scale and their zero point."""
    if given[0].dtype != _FLOAT or node.attributes:
        raise ValueError("not of single precision")
    return [(_UINT8, given[0].shape), (_FLOAT, ()), (_UINT8, ())]


def matmul(node: Node, given: Given) -> Outputs:
    """The product of 8-bit integers in 32 bits; zero points follow, of the whole or of the second's columns."""
    if any(each.dtype not in _EIGHT_BITS for each in given):
        raise ValueError("not of 8 bits")
    for zero, of in zip(given[2:], given, strict=False):
        if zero.dtype != of.dtype or zero.shape not in ((), (1,), given[1].shape[-1:] if of is given[1] else ()):
            raise ValueError(f"a zero point of the shape {list(zero.shape)}")
    ((_, shape),) = computations.matmul(node, given)
    return [(_INT32, shape)]


def quantize(node: Node, given: Given) -> Outputs:
    """8-bit integers by a scale and a zero point, which says of which kind."""
    if given[0].dtype != _FLOAT or given[2].dtype not in _EIGHT_BITS:
        raise ValueError("not from single precision to 8 bits")
    _check_scales(node, given)
    return [(given[2].dtype, given[0].shape)]


def dequantize(node: Node, given: Given) -> Outputs:
    """Single precision by a scale and a zero point; sums have 32 bits, and no zero point."""
    if given[0].dtype not in (*_EIGHT_BITS, _INT32) or any(each.dtype != given[0].dtype for each in given[2:]):
        raise ValueError("not of 8 or 32 bits")
    _check_scales(node, given)
    return [(_FLOAT, given[0].shape)]


def _check_scales(node: Node, given: Given) -> None:
    """One scale, or one for each place along an axis; zero points likewise."""
    x, scale, *zeros = given
    wanted = [(), (1,)] if scale.shape in ((), (1,)) else [(x.shape[_axis(node, x)],)]
    unusual = set(node.attributes) - {"axis"}
    if unusual or scale.dtype != _FLOAT or any(each.shape not in wanted for each in (scale, *zeros)):
        raise ValueError("scales or zero points that do not go with the values")


def _axis(node: Node, x: Known) -> int:
    return axis_of(node.attributes.get("axis", 1), len(x.shape))
