"""The registry of named trackers: each a `TrackerSpec` that a search can start from. A family is one file here."""

from __future__ import annotations

from collections.abc import Callable

from compress.core.registry import Registry
from compress.core.spec import TrackerSpec
from compress.core.spec_fields import Attention, LayerSpec

TRACKERS: Registry[Callable[[], TrackerSpec]] = Registry("teacher")


def describe(name: str) -> TrackerSpec:
    """The spec of a named tracker.

    Raises:
        UsageError: unknown name, with close matches.
    """
    return TRACKERS[name]()


def uniform_layers(depth: int, mlp_hidden: int, attention: Attention = "joint") -> tuple[LayerSpec, ...]:
    """`depth` equal layers."""
    return tuple(LayerSpec(source=i, mlp_hidden=mlp_hidden, attention=attention) for i in range(depth))
