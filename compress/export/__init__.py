"""From a network to files that run without PyTorch."""

from compress.export.accuracy_drop import MOST_DROP, AccuracyDrop, accuracy_drop
from compress.export.bundle import check_place, export_bundle
from compress.export.calibration import CalibrationCrops
from compress.export.cascade import compare_cascade, export_cascade
from compress.export.converted_again import compare_low_precision
from compress.export.deployed import graph_network
from compress.export.graphs import bundle_graphs, frame_graph, memory_names, template_graph
from compress.export.low_precision import LowPrecision, check_convertible, with_float_layers
from compress.export.parity import Parity
from compress.export.precision import at_precision, linear_layers, quantized
from compress.export.side_by_side import compare, compare_exported
from compress.export.trained_cascade import Member, TrainedCascade, load_cascade
from compress.export.trained_tracker import TrainedTracker, load_trained

__all__ = [
    "MOST_DROP",
    "AccuracyDrop",
    "CalibrationCrops",
    "LowPrecision",
    "Member",
    "Parity",
    "TrainedCascade",
    "TrainedTracker",
    "accuracy_drop",
    "at_precision",
    "bundle_graphs",
    "check_convertible",
    "check_place",
    "compare",
    "compare_cascade",
    "compare_exported",
    "compare_low_precision",
    "export_bundle",
    "export_cascade",
    "frame_graph",
    "graph_network",
    "linear_layers",
    "load_cascade",
    "load_trained",
    "memory_names",
    "quantized",
    "template_graph",
    "with_float_layers",
]
