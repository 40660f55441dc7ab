"""From a network to files that run without PyTorch."""

from compress.export.bundle import check_place, export_bundle
from compress.export.graph_network import graph_network
from compress.export.graphs import bundle_graphs, frame_graph, memory_names, template_graph
from compress.export.parity import Parity
from compress.export.precision import at_precision, linear_layers, quantized
from compress.export.side_by_side import compare, compare_exported
from compress.export.trained_tracker import TrainedTracker, load_trained

__all__ = [
    "Parity",
    "TrainedTracker",
    "at_precision",
    "bundle_graphs",
    "check_place",
    "compare",
    "compare_exported",
    "export_bundle",
    "frame_graph",
    "graph_network",
    "linear_layers",
    "load_trained",
    "memory_names",
    "quantized",
    "template_graph",
]
