"""Shapes of operators that compute over several values: products, convolutions, sums, resizing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain

import numpy as np

from compress.runtime.onnx_file import DTYPES, Node
from compress.runtime.operators.known import Given, Outputs, axis_of, integers, positive, values_of

_INT64 = DTYPES[7]


def top_k(node: Node, given: Given) -> Outputs:
    """The values and their indices."""
    shape = list(given[0].shape)
    axis, (count,) = axis_of(node.attributes.get("axis", -1), len(shape)), integers(given[1])
    if not 0 <= count <= shape[axis]:
        raise ValueError("more than there are")
    shape[axis] = count
    return [(given[0].dtype, tuple(shape)), (_INT64, tuple(shape))]


def reduce(node: Node, given: Given) -> Outputs:
    """The axes left out, or kept at size 1."""
    shape, named = given[0].shape, node.attributes.get("axes", ())
    named = integers(given[1]) if len(given) > 1 else named
    axes = {axis_of(axis, len(shape)) for axis in named} or set(range(len(shape)))
    kept = [1] * bool(node.attributes.get("keepdims", 1))
    sizes = [kept if i in axes else [size] for i, size in enumerate(shape)]
    return [(given[0].dtype, tuple(chain.from_iterable(sizes)))]


def matmul(node: Node, given: Given) -> Outputs:
    """Of at least two axes each."""
    first, second = given[0].shape, given[1].shape
    if min(len(first), len(second)) < 2 or first[-1] != second[-2]:
        raise ValueError(f"{list(first)} by {list(second)}")
    rows = np.broadcast_shapes(first[:-2], second[:-2])
    return [(given[0].dtype, (*rows, first[-2], second[-1]))]


def gemm(node: Node, given: Given) -> Outputs:
    """Two matrices, either turned."""
    first, second = (
        each.shape[::-1] if node.attributes.get(name) else each.shape
        for each, name in zip(given, ("transA", "transB"), strict=False)
    )
    if len(first) != 2 or len(second) != 2 or first[1] != second[0]:
        raise ValueError(f"{list(first)} by {list(second)}")
    return [(given[0].dtype, (first[0], second[1]))]


def conv(node: Node, given: Given) -> Outputs:
    """(N, C, …) by (D, C / groups, …)."""
    x, kernel = given[0].shape, given[1].shape
    groups = node.attributes.get("group", 1)
    if len(kernel) != len(x) or kernel[1] * groups != x[1] or groups < 1:
        raise ValueError(f"{list(x)} by {list(kernel)}")
    return [(given[0].dtype, (x[0], kernel[0], *_slid(node, x[2:], kernel[2:])))]


def conv_transpose(node: Node, given: Given) -> Outputs:
    """(N, C, …) by (C, D / groups, …)."""
    x, kernel = given[0].shape, given[1].shape
    groups, unusual = node.attributes.get("group", 1), {"output_padding", "output_shape"} & set(node.attributes)
    if len(kernel) != len(x) or kernel[0] != x[1] or groups < 1 or unusual:
        raise ValueError(f"{list(x)} by {list(kernel)}")
    sizes = []
    for size, far, stride, dilation, pad in zip(x[2:], kernel[2:], *_strides(node, len(x) - 2), strict=True):
        sizes.append(stride * (size - 1) + dilation * (far - 1) + 1 - pad)
    return [(given[0].dtype, (x[0], kernel[1] * groups, *positive(sizes)))]


def resize(node: Node, given: Given) -> Outputs:
    """By sizes or by scales."""
    shape, unusual = given[0].shape, {"axes", "keep_aspect_ratio_policy"} & set(node.attributes)
    if given[-1].dtype == _INT64:
        sizes = integers(given[-1])
    else:
        scales = values_of(given[-1])
        sizes = [math.floor(n * float(scale)) for n, scale in zip(shape, scales, strict=True)]
    if len(sizes) != len(shape) or unusual:
        raise ValueError("another number of axes")
    return [(given[0].dtype, positive(sizes))]


def pool(node: Node, given: Given) -> Outputs:
    """As a convolution that keeps the channels."""
    x, kernel = given[0].shape, node.attributes["kernel_shape"]
    if node.attributes.get("ceil_mode") or len(kernel) != len(x) - 2:
        raise ValueError(f"{list(x)} by {list(kernel)}")
    return [(given[0].dtype, (*x[:2], *_slid(node, x[2:], kernel)))]


def _slid(node: Node, x: Sequence[int], kernel: Sequence[int]) -> tuple[int, ...]:
    """How often a kernel fits along each axis."""
    found = []
    for size, far, stride, dilation, pad in zip(x, kernel, *_strides(node, len(x)), strict=True):
        found.append((size + pad - dilation * (far - 1) - 1) // stride + 1)
    return positive(found)


def _strides(node: Node, count: int) -> tuple[Sequence[int], Sequence[int], Sequence[int]]:
    """Strides, dilations and what is padded on both sides together, of each axis."""
    if node.attributes.get("auto_pad", b"NOTSET") != b"NOTSET":
        raise ValueError("pads that are not written down")
    ones = (1,) * count
    pads = node.attributes.get("pads", (0,) * 2 * count)
    strides, dilations = node.attributes.get("strides", ones), node.attributes.get("dilations", ones)
    if min(*strides, *dilations) < 1 or min(pads) < 0 or len(pads) != 2 * count:
        raise ValueError("strides or pads below what they can be")
    return strides, dilations, [pads[i] + pads[i + count] for i in range(count)]
