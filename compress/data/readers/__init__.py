"""The readers that ship, one file each; importing this registers them."""

from compress.data.readers.folder import FolderSource
from compress.data.readers.generated import GeneratedSource

__all__ = ["FolderSource", "GeneratedSource"]
