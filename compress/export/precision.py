"""The precision of exported graphs: as they are in fp32, or in int8, where linear layers multiply 8-bit integers."""

from __future__ import annotations

import logging
from typing import Literal

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic

from compress.core.scratch import scratch_folder

_LINEAR = ["MatMul", "Gemm"]
"""Convolutions are few, in the embedding and the head, and stay in float."""


def at_precision(graph: bytes, precision: Literal["fp32", "int8"]) -> bytes:
    """A graph of float32 in the precision that it is to run in."""
    return quantized(graph) if precision == "int8" else graph


def quantized(graph: bytes) -> bytes:
    """A graph of float32 with the weights of its linear layers in int8, one scale a column.

    Activations are quantised as they come, each tensor by its own range (dynamic quantisation, which onnxruntime
    advises for transformers). So nothing needs calibrating, and no frame lies outside a range seen before.
    """
    with scratch_folder() as folder:
        path = folder / "int8.onnx"
        model = onnx.load_model_from_string(graph)
        level = logging.root.level
        logging.root.setLevel(logging.ERROR)  # it advises steps that were taken, on the root logger
        try:
            quantize_dynamic(model, path, op_types_to_quantize=_LINEAR, per_channel=True, weight_type=QuantType.QInt8)
        finally:
            logging.root.setLevel(level)
        return path.read_bytes()
