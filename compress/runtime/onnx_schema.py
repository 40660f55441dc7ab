"""The fields of a file of ONNX that the graphs of bundles have.

Numbers are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from __future__ import annotations

from compress.runtime.protobuf import Field, Schema

SCHEMA: Schema = {
    "model": {
        1: Field("ir_version", "int"),
        2: Field("producer_name", "text"),
        3: Field("producer_version", "text"),
        4: Field("domain", "text"),
        5: Field("model_version", "int"),
        6: Field("doc_string", "text"),
        7: Field("graph", "message", of="graph"),
        8: Field("opsets", "message", many=True, of="opset"),
    },
    "opset": {1: Field("domain", "text"), 2: Field("version", "int")},
    "graph": {
        1: Field("nodes", "message", many=True, of="node"),
        2: Field("name", "text"),
        5: Field("initializers", "message", many=True, of="tensor"),
        10: Field("doc_string", "text"),
        11: Field("inputs", "message", many=True, of="value"),
        12: Field("outputs", "message", many=True, of="value"),
        13: Field("value_info", "message", many=True, of="value"),
    },
    "node": {
        1: Field("inputs", "text", many=True),
        2: Field("outputs", "text", many=True),
        3: Field("name", "text"),
        4: Field("op", "text"),
        5: Field("attributes", "message", many=True, of="attribute"),
        6: Field("doc_string", "text"),
        7: Field("domain", "text"),
    },
    "attribute": {
        1: Field("name", "text"),
        2: Field("f", "float"),
        3: Field("i", "int"),
        4: Field("s", "bytes"),
        5: Field("t", "message", of="tensor"),
        6: Field("g", "message", of="graph"),
        8: Field("ints", "int", many=True),
        13: Field("doc_string", "text"),
        20: Field("type", "int"),
    },
    "tensor": {
        1: Field("dims", "int", many=True),
        2: Field("dtype", "int"),
        8: Field("name", "text"),
        9: Field("raw", "bytes"),
        12: Field("doc_string", "text"),
    },
    "value": {1: Field("name", "text"), 2: Field("type", "message", of="type"), 3: Field("doc_string", "text")},
    "type": {1: Field("tensor", "message", of="tensor type")},
    "tensor type": {1: Field("dtype", "int"), 2: Field("shape", "message", of="shape")},
    "shape": {1: Field("dims", "message", many=True, of="dim")},
    "dim": {1: Field("size", "int")},
}
"""What is read of a file of ONNX; whatever is not here is refused."""

EXPLAINED = {
    **{("tensor", number): "a constant is not written as bytes (raw_data)" for number in (4, 5, 6, 7, 10, 11)},
    ("tensor", 13): "it keeps weights in other files (external data)",
    ("tensor", 14): "it says that weights may lie in other files (external data)",
    ("graph", 15): "it holds sparse weights",
    ("attribute", 22): "it holds sparse weights",
    ("model", 25): "it defines functions of its own",
    ("model", 20): "it holds a graph for training",
    ("model", 14): "it holds metadata, which can change how onnxruntime runs",
}
"""What is wrong with a file that has one of these fields."""
