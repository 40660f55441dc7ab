"""Runs exported bundles: numpy, OpenCV and onnxruntime only."""

from compress.runtime.cascade_bundle import AnyBundle, CascadeBundle, bundle_network, open_any_bundle
from compress.runtime.draw import box_video
from compress.runtime.follow_video import check_places, write_steps
from compress.runtime.frames import Frames, FrameSource
from compress.runtime.graph_network import BundleNetwork, GraphNetwork
from compress.runtime.manifest import Bundle, open_bundle
from compress.runtime.sessions import session
from compress.runtime.thresholds import Thresholds
from compress.runtime.track import Step, speed, track

__all__ = [
    "AnyBundle",
    "Bundle",
    "BundleNetwork",
    "CascadeBundle",
    "FrameSource",
    "Frames",
    "GraphNetwork",
    "Step",
    "Thresholds",
    "box_video",
    "bundle_network",
    "check_places",
    "open_any_bundle",
    "open_bundle",
    "session",
    "speed",
    "track",
    "write_steps",
]
