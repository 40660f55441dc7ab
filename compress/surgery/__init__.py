"""Teacher weights into student weights."""

from compress.surgery.inherit import inherit

__all__ = ["inherit"]
