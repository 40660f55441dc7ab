"""From a spec to a network."""

from __future__ import annotations

from compress.core import TrackerSpec, UsageError
from compress.models.tracker import Tracker
from compress.models.vit import VitTracker


def build(spec: TrackerSpec, *, drop_path: float = 0.0) -> Tracker:
    """A tracker with fresh weights, in train mode. `drop_path`: stochastic depth of the last layer (linear from 0).

    Raises:
        UsageError: unless 0 ≤ `drop_path` < 1.
    """
    if not 0 <= drop_path < 1:
        raise UsageError(f"drop_path must be in [0, 1) but is {drop_path}.")
    return VitTracker(spec, drop_path=drop_path)
