"""ONNX graphs as the bundles of this package hold them; anything else that a file of ONNX may hold is refused.

Refused are, by not being read: weights in other files, sparse weights, functions, training graphs, settings of
onnxruntime in the metadata, and ranges for quantisation beside the graph.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compress.runtime.onnx_schema import EXPLAINED, SCHEMA
from compress.runtime.protobuf import Message, read_message

DTYPES: dict[int, np.dtype[Any]] = {
    1: np.dtype("<f4"),
    2: np.dtype("u1"),
    3: np.dtype("i1"),
    6: np.dtype("<i4"),
    7: np.dtype("<i8"),
    9: np.dtype("?"),
    10: np.dtype("<f2"),
}
"""Of the values that graphs may hold, by ONNX's numbers of them: what exports write in any precision, and int32."""

_ATTRIBUTES = {1: "f", 2: "i", 3: "s", 4: "t", 5: "g", 7: "ints"}
_OPSETS = range(13, 24)


@dataclass(frozen=True)
class Tensor:
    """Values in the file: their type, shape and bytes, which are as many as the two say."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    data: memoryview

    @property
    def values(self) -> NDArray[Any]:
        return np.frombuffer(self.data, self.dtype).reshape(self.shape)


@dataclass(frozen=True)
class Declared:
    """An input or output with the type and shape that the file gives it; branches' outputs have none."""

    name: str
    dtype: np.dtype[Any] | None = None
    shape: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Node:
    """One operator. Attributes are numbers, tuples of integers, `bytes`, `Tensor` or `OnnxGraph`."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]


@dataclass(frozen=True)
class OnnxGraph:
    """A graph or a branch of one."""

    inputs: tuple[Declared, ...]
    outputs: tuple[Declared, ...]
    initializers: dict[str, Tensor]
    nodes: tuple[Node, ...]

    @property
    def subgraphs(self) -> Iterator[OnnxGraph]:
        """Branches of its operators, not those within branches."""
        for node in self.nodes:
            yield from (each for each in node.attributes.values() if isinstance(each, OnnxGraph))


def read_onnx(data: bytes) -> OnnxGraph:
    """The graph in a file of ONNX.

    Raises:
        ValueError: it is none, or holds what no graph of a bundle holds; with the reason.
    """
    if data[4:8] == b"ORTM":  # onnxruntime would read such a file in a format of its own
        raise ValueError("it is in onnxruntime's own format, not ONNX")
    model = read_message(data, SCHEMA, "model", EXPLAINED)
    opsets = {opset.get("domain", ""): opset.get("version", 0) for opset in model["opsets"]}
    if set(opsets) != {""} or len(model["opsets"]) != 1 or opsets[""] not in _OPSETS:
        raise ValueError(f"its operators are not those of ONNX's sets {_OPSETS[0]} to {_OPSETS[-1]} alone")
    if "graph" not in model:
        raise ValueError("it holds no graph")
    return _graph(model["graph"])


def _graph(found: Message) -> OnnxGraph:
    names = [tensor.get("name", "") for tensor in found["initializers"]]
    if len(set(names)) < len(names) or "" in names:
        raise ValueError("two of its constants have the same name, or one has none")
    return OnnxGraph(
        tuple(map(_declared, found["inputs"])),
        tuple(map(_declared, found["outputs"])),
        dict(zip(names, map(_tensor, found["initializers"]), strict=True)),
        tuple(map(_node, found["nodes"])),
    )


def _declared(found: Message) -> Declared:
    name, tensor = found.get("name", ""), found.get("type", {}).get("tensor")
    if tensor is None:
        return Declared(name)
    sizes = [dim.get("size", -1) for dim in tensor.get("shape", {"dims": [{}]})["dims"]]
    if min(sizes, default=1) < 1:
        raise ValueError(f"its {name} has no fixed shape")
    return Declared(name, _dtype(tensor), tuple(sizes))


def _node(found: Message) -> Node:
    if found.get("domain"):
        raise ValueError(f"it has an operator of the domain {found['domain'][:80]!r}, not ONNX's")
    attributes = dict(map(_attribute, found["attributes"]))
    if len(attributes) < len(found["attributes"]):
        raise ValueError("an operator has two attributes of one name")
    return Node(found.get("op", ""), tuple(found["inputs"]), tuple(found["outputs"]), attributes)


def _attribute(found: Message) -> tuple[str, Any]:
    name, field = found.get("name", ""), _ATTRIBUTES.get(found.get("type", 0))
    others = {key for key in _ATTRIBUTES.values() if found.get(key) not in (None, [])} - {field}
    if field is None or others:
        raise ValueError(f"the attribute {name[:80]!r} of an operator is of no kind that a graph of a bundle has")
    value = found.get(field, 0)
    if field == "t":
        return name, _tensor(value or {})
    if field == "g":
        return name, _graph(value or {})
    return name, tuple(value) if isinstance(value, list) else bytes(value) if field == "s" else value


def _tensor(found: Message) -> Tensor:
    if "raw" not in found or not found.get("dtype"):
        raise ValueError("a constant has no bytes")
    dtype, shape = _dtype(found), tuple(found["dims"])
    if any(size < 0 for size in shape) or math.prod(shape) * dtype.itemsize != len(found["raw"]):
        raise ValueError(f"a constant of the shape {_short(shape)} has {len(found['raw'])} bytes")
    return Tensor(dtype, shape, found["raw"])


def _dtype(found: Message) -> np.dtype[Any]:
    if found.get("dtype") not in DTYPES:
        raise ValueError(f"it holds values of ONNX's type {found.get('dtype')}, which no graph of a bundle has")
    return DTYPES[found["dtype"]]


def _short(shape: Sequence[int]) -> str:
    return f"{list(shape[:8])}{'…' if len(shape) > 8 else ''}"
