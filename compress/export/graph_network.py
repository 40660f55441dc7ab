"""A tracker as the bundle that would be exported of it runs, in a precision."""

from __future__ import annotations

from compress.core import Precision
from compress.export.graphs import bundle_graphs
from compress.export.precision import at_precision
from compress.models import Tracker
from compress.runtime import GraphNetwork


def graph_network(model: Tracker, precision: Precision, *, threads: int = 1) -> GraphNetwork:
    """The graphs of `model` under onnxruntime on the CPU, made as `export_bundle` makes them.

    Args:
        precision: Of all graphs; in int8 by dynamic quantisation.
        threads: onnxruntime's within an operator.
    """
    graphs = {name: at_precision(graph, precision) for name, graph in bundle_graphs(model).items()}
    return GraphNetwork(model.spec, graphs, threads=threads)
