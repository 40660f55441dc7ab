"""The readers that ship, one file each; importing this registers them."""

from __future__ import annotations

from compress.core import Registry
from compress.data.readers.folder import FolderSource
from compress.data.readers.generated import GeneratedSource
from compress.data.sources import READERS, Reader

__all__ = ["FolderSource", "GeneratedSource", "registered_readers"]


def registered_readers() -> Registry[Reader]:
    """All readers, those that ship among them."""
    return READERS
