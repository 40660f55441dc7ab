"""Networks from specs, and their weights."""

from compress.models.create import create_tracker, load_tracker, weights_path
from compress.models.numpy_network import NumpyNetwork
from compress.models.official import fold_litetrack
from compress.models.tracker import Tracker, TrackerOutput, build
from compress.models.weights import load_weights, read_weights, save_weights, weights_key

__all__ = [
    "NumpyNetwork",
    "Tracker",
    "TrackerOutput",
    "build",
    "create_tracker",
    "fold_litetrack",
    "load_tracker",
    "load_weights",
    "read_weights",
    "save_weights",
    "weights_key",
    "weights_path",
]
