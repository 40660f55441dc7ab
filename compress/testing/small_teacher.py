"""A teacher that a search can name, small enough for searches to end in a second or two: `registered()`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from compress.core import TRACKERS, HeadSpec, LayerSpec, TrackerSpec

SMALL = "small"
"""Its name while it is registered."""


def small_teacher() -> TrackerSpec:
    """Six layers of 32 dimensions on crops of 32 and 64 pixels."""
    layers = tuple(LayerSpec(source=i, mlp_hidden=128) for i in range(6))
    head = HeadSpec(channels=8)
    return TrackerSpec(dim=32, heads=2, layers=layers, template_size=32, search_size=64, head=head)


@contextmanager
def registered() -> Iterator[TrackerSpec]:
    """`SMALL` among the named trackers: for a while, since other tests go through all that the package names."""
    TRACKERS.register(SMALL, small_teacher)
    try:
        yield small_teacher()
    finally:
        TRACKERS.remove(SMALL)
