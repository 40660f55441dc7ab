"""ONNX graphs without their weights, which timing does not depend on: all graphs of a kit read one file's numbers."""

from __future__ import annotations

import onnx
from onnx import TensorProto

LOCATION = "weights.bin"
_SMALLEST = 1024
"""Bytes below which numbers stay in the graph: scales and shapes that the runtime wants to see."""

_PAGE = 4096
"""Offsets are multiples of it, so that a runtime may map the file."""


def stripped(graph: bytes) -> tuple[bytes, int]:
    """The graph with its large tensors at `LOCATION`, each at a place of its own, and the bytes that needs."""
    model = onnx.load_model_from_string(graph)
    end = 0
    for tensor in model.graph.initializer:
        size = len(tensor.raw_data)
        if not _is_weight(tensor) or size < _SMALLEST:
            continue
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", LOCATION), ("offset", end), ("length", size)):
            tensor.external_data.add(key=key, value=str(value))
        end += -(-size // _PAGE) * _PAGE
    return model.SerializeToString(), end


def _is_weight(tensor: TensorProto) -> bool:
    """Zero points of int8, one a column, are not: runtimes take them as they are and may insist on zeros."""
    return tensor.data_type == TensorProto.FLOAT or (tensor.data_type == TensorProto.INT8 and len(tensor.dims) > 1)
