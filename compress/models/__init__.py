"""Networks from specs, and their weights."""

from compress.models.build import build
from compress.models.create import create_tracker, load_tracker, weights_path
from compress.models.features import Features
from compress.models.fuse import fused
from compress.models.hit import HitTracker
from compress.models.layouts import fold_litetrack
from compress.models.numpy_network import NumpyNetwork
from compress.models.route import Route
from compress.models.timm_init import load_timm
from compress.models.tracker import Decisions, Tracker, TrackerOutput
from compress.models.vit import VitTracker
from compress.models.weights import load_weights, read_weights, save_weights, weights_key

__all__ = [
    "Decisions",
    "Features",
    "HitTracker",
    "NumpyNetwork",
    "Route",
    "Tracker",
    "TrackerOutput",
    "VitTracker",
    "build",
    "create_tracker",
    "fold_litetrack",
    "fused",
    "load_timm",
    "load_tracker",
    "load_weights",
    "read_weights",
    "save_weights",
    "weights_key",
    "weights_path",
]
