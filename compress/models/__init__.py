"""Networks from specs, and their weights."""

from compress.models.adaptive.tracker import AdaptiveTracker
from compress.models.checkpoints.layouts.layout import LAYOUTS, TIMM_LAYOUTS, Layout, TimmLayout
from compress.models.checkpoints.layouts.litetrack import fold_litetrack
from compress.models.checkpoints.layouts.timm_levit import levit_from_timm
from compress.models.checkpoints.layouts.timm_vit import vit_from_timm
from compress.models.checkpoints.timm_init import load_timm
from compress.models.checkpoints.weights import load_weights, read_weights, save_weights, weights_key
from compress.models.create import create_tracker, load_tracker, weights_path
from compress.models.fusing import fused
from compress.models.heads import Features
from compress.models.levit.tracker import HitTracker
from compress.models.networks import NETWORKS, NetworkBuilder, build
from compress.models.numpy_network import NumpyNetwork
from compress.models.tracker import Decisions, Tracker, TrackerOutput
from compress.models.vit.tracker import VitTracker

__all__ = [
    "AdaptiveTracker",
    "Decisions",
    "Features",
    "HitTracker",
    "LAYOUTS",
    "Layout",
    "NETWORKS",
    "NetworkBuilder",
    "NumpyNetwork",
    "TIMM_LAYOUTS",
    "TimmLayout",
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
    "levit_from_timm",
    "vit_from_timm",
    "weights_key",
    "weights_path",
]
