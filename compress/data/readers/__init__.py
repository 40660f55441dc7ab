"""The readers that ship, one file each; importing this registers them."""

from __future__ import annotations

from compress.core import Registry
from compress.data.readers.coco import CocoSource
from compress.data.readers.folder import FolderSource
from compress.data.readers.generated import GeneratedSource
from compress.data.readers.got10k import Got10kSource
from compress.data.readers.lasot import LasotExtensionSource, LasotSource
from compress.data.readers.nfs import NfsSource
from compress.data.readers.otb import OtbSource
from compress.data.readers.tnl2k import Tnl2kSource
from compress.data.readers.trackingnet import TrackingNetSource
from compress.data.readers.uav123 import Uav123Source
from compress.data.readers.video import VideoSource
from compress.data.readers.vot import VotSource
from compress.data.sources import READERS, Reader

__all__ = [
    "CocoSource",
    "FolderSource",
    "GeneratedSource",
    "Got10kSource",
    "LasotExtensionSource",
    "LasotSource",
    "NfsSource",
    "OtbSource",
    "Tnl2kSource",
    "TrackingNetSource",
    "Uav123Source",
    "VideoSource",
    "VotSource",
    "registered_readers",
]


def registered_readers() -> Registry[Reader]:
    """All readers, those that ship among them."""
    return READERS
