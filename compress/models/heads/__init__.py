"""Box heads: from a backbone's features to maps, and from maps to boxes. One file per kind of head."""

from compress.models.heads.box_head import create_head, decode
from compress.models.heads.features import Features

__all__ = ["Features", "create_head", "decode"]
