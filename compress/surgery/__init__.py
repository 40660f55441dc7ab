"""Teacher weights into student weights."""

from compress.surgery.inherit import Rank, inherit
from compress.surgery.start import start_from_timm

__all__ = ["Rank", "inherit", "start_from_timm"]
