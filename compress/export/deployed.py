"""A tracker as the bundle that would be exported of it runs, in a precision."""

from __future__ import annotations

from compress.core import Precision
from compress.export.graphs import bundle_graphs
from compress.export.low_precision import LowPrecision
from compress.models import Tracker
from compress.runtime import GraphNetwork


def graph_network(model: Tracker, precision: Precision, *, threads: int = 1) -> GraphNetwork:
    """The graphs of `model` under onnxruntime on the CPU, made as `export_bundle` makes them.

    Args:
        precision: Of all graphs; in int8 by dynamic quantisation of all linear layers.
        threads: onnxruntime's within an operator.
    """
    graphs = LowPrecision(precision).graphs(model.spec, bundle_graphs(model))
    return GraphNetwork(model.spec, graphs, threads=threads)
