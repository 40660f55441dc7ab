"""Networks from specs, and their weights."""

from compress.models.adaptive.forced_path import ForcedPath
from compress.models.build import build
from compress.models.checkpoints.layouts import fold_litetrack
from compress.models.checkpoints.timm_init import load_timm
from compress.models.checkpoints.weights import load_weights, read_weights, save_weights, weights_key
from compress.models.create import create_tracker, load_tracker, weights_path
from compress.models.features import Features
from compress.models.fusing import fused
from compress.models.levit.tracker import HitTracker
from compress.models.numpy_network import NumpyNetwork
from compress.models.tracker import Decisions, Tracker, TrackerOutput
from compress.models.vit.tracker import VitTracker

__all__ = [
    "Decisions",
    "Features",
    "HitTracker",
    "NumpyNetwork",
    "ForcedPath",
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
