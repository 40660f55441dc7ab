"""The precision of exported graphs: as they are in fp32, in half precision, or in int8.

In int8 linear layers multiply 8-bit integers, as onnxruntime's tools quantise graphs; the rest stays in fp32. What
comes out holds operators of ONNX alone.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO

import onnx
from onnx import numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.onnx_model import ONNXModel
from onnxruntime.transformers.float16 import convert_float_to_float16

from compress.core import Precision
from compress.core.scratch import scratch_folder

LINEAR = ["MatMul", "Gemm"]
"""Convolutions are few, in the embedding and the head, and stay in float."""


def at_precision(graph: bytes, precision: Precision) -> bytes:
    """A graph of float32 in the precision that it is to run in; in int8 by dynamic quantisation."""
    if precision == "fp32":
        return graph
    return halved(graph) if precision == "fp16" else quantized(graph)


def quantized(graph: bytes, *, float_layers: Collection[str] = ()) -> bytes:
    """A graph of float32 with the weights of its linear layers in int8, one scale a column.

    Activations are quantised as they come, each tensor by its own range (dynamic quantisation, which onnxruntime
    advises for transformers). So nothing needs calibrating, and no frame lies outside a range seen before.

    Args:
        float_layers: Of `linear_layers`, those that stay as they are.
    """
    model = onnx.load_model_from_string(graph)
    with scratch_folder() as folder, without_advice():
        quantize_dynamic(
            model,
            folder / "int8.onnx",
            op_types_to_quantize=LINEAR,
            nodes_to_exclude=nodes_of(model, float_layers),
            per_channel=True,
            weight_type=QuantType.QInt8,
        )
        return plain(onnx.load_model(folder / "int8.onnx"))


def halved(graph: bytes) -> bytes:
    """A graph of float32 that computes in half precision between inputs and outputs of float32."""
    return plain(convert_float_to_float16(onnx.load_model_from_string(graph), keep_io_types=True))


def linear_layers(graph: bytes) -> list[str]:
    """What can be quantised or stay in float, in the order of the graph: the modules that have linear layers.

    Named as the network names them, such as `blocks.3` for a transformer layer or `box_head`.
    """
    model = onnx.load_model_from_string(graph)
    return list(dict.fromkeys(layer_of(node) for node in _linear(model)))


def nodes_of(model: onnx.ModelProto, layers: Collection[str] | None = None) -> list[str]:
    """Names of the linear nodes in some of the `linear_layers`; in all of them by default."""
    return [node.name for node in _linear(model) if layers is None or layer_of(node) in layers]


def layer_of(node: onnx.NodeProto) -> str:
    """The module that a node was traced in: `blocks.3` of `/blocks.3/mlp/fc1/MatMul`."""
    return str(node.name).strip("/").split("/")[0]


def plain(model: onnx.ModelProto) -> bytes:
    """A graph as bundles hold it: operators of ONNX alone, constants as bytes, and nothing that says how it was made.

    Raises:
        ValueError: an operator that is not ONNX's.
    """
    ONNXModel(model).topological_sort()
    for node in model.graph.node:
        if node.domain not in ("", "ai.onnx"):
            raise ValueError(f"the operator {node.op_type} is of {node.domain}, not ONNX's")
    opset = next(each.version for each in model.opset_import if each.domain in ("", "ai.onnx"))
    del model.opset_import[:], model.metadata_props[:], model.graph.value_info[:]
    model.opset_import.append(onnx.helper.make_opsetid("", opset))
    for tensor in model.graph.initializer:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor), tensor.name))
    found: bytes = model.SerializeToString()
    return found


@contextmanager
def without_advice() -> Iterator[None]:
    """onnxruntime's quantisation advises steps that were taken, on the root logger, and tells of its work on stdout."""
    level = logging.root.level
    logging.root.setLevel(logging.ERROR)
    try:
        with redirect_stdout(StringIO()):
            yield
    finally:
        logging.root.setLevel(level)


def _linear(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """Products with constant weights; those of attention are of two activations."""
    constants = {tensor.name for tensor in model.graph.initializer}
    constants |= {node.output[0] for node in model.graph.node if node.op_type == "Constant"}
    return [node for node in model.graph.node if node.op_type in LINEAR and constants & set(node.input[:2])]
