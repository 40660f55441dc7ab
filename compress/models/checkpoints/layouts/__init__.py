"""Published checkpoints' key layouts, turned into this package's own, exactly. One file per project."""

from compress.models.checkpoints.layouts import hit, litetrack, mixformer, ostrack
from compress.models.checkpoints.layouts.layout import (
    LAYOUTS,
    Adapted,
    Layout,
    adapted,
    from_official,
    layout_of,
    weights_source,
)

__all__ = [
    "Adapted",
    "LAYOUTS",
    "Layout",
    "adapted",
    "from_official",
    "hit",
    "layout_of",
    "litetrack",
    "mixformer",
    "ostrack",
    "weights_source",
]
