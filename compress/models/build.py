"""From a spec to a network."""

from __future__ import annotations

from compress.core import TrackerSpec, UsageError
from compress.models.levit.tracker import HitTracker
from compress.models.tracker import Tracker
from compress.models.vit.tracker import VitTracker


def build(spec: TrackerSpec, *, drop_path: float = 0.0) -> Tracker:
    """A tracker with fresh weights, in train mode.

    Args:
        drop_path: Stochastic depth: of a plain ViT's last layer, linear from 0; of a LeViT's every residual branch.

    Raises:
        UsageError: unless 0 ≤ `drop_path` < 1.
    """
    if not 0 <= drop_path < 1:
        raise UsageError(f"drop_path must be in [0, 1) but is {drop_path}.")
    return (HitTracker if spec.backbone == "levit" else VitTracker)(spec, drop_path=drop_path)
