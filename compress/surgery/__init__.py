"""Teacher weights into student weights."""

from compress.surgery.inherit import Rank, inherit

__all__ = ["Rank", "inherit"]
