"""The readers that ship, one file each; importing this registers them."""

from __future__ import annotations

from compress.core import Registry
from compress.data.readers.folder import FolderSource
from compress.data.readers.generated import GeneratedSource
from compress.data.readers.got10k import Got10kSource
from compress.data.readers.lasot import LasotExtensionSource, LasotSource
from compress.data.readers.trackingnet import TrackingNetSource
from compress.data.sources import READERS, Reader

__all__ = [
    "FolderSource",
    "GeneratedSource",
    "Got10kSource",
    "LasotExtensionSource",
    "LasotSource",
    "TrackingNetSource",
    "registered_readers",
]


def registered_readers() -> Registry[Reader]:
    """All readers, those that ship among them."""
    return READERS
