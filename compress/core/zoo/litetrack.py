"""LiteTrack: the template apart, feature-extraction layers, then layers that interact with its finished features."""

from __future__ import annotations

from compress.core.spec import TrackerSpec
from compress.core.spec_fields import Attention, LayerSpec
from compress.core.zoo.trackers import TRACKERS


def _litetrack(depth: int, interaction: int) -> TrackerSpec:
    kinds: list[Attention] = ["FE"] * (depth - interaction) + ["AI"] * interaction  # type: ignore[assignment]
    layers = tuple(LayerSpec(source=i, mlp_hidden=3072, attention=kind) for i, kind in enumerate(kinds))
    return TrackerSpec(dim=768, heads=12, layers=layers, final_norm=False, target_token=True)


@TRACKERS.register
def litetrack_b9() -> TrackerSpec:
    """LiteTrack-B9: 6 feature-extraction and 3 asynchronous-interaction layers."""
    return _litetrack(9, 3)


@TRACKERS.register
def litetrack_b8() -> TrackerSpec:
    """LiteTrack-B8: 5 + 3 layers, as the published code has it (6 + 2 in the paper's Table I)."""
    return _litetrack(8, 3)


@TRACKERS.register
def litetrack_b6() -> TrackerSpec:
    """LiteTrack-B6: 3 + 3 layers."""
    return _litetrack(6, 3)


@TRACKERS.register
def litetrack_b4() -> TrackerSpec:
    """LiteTrack-B4: 2 + 2 layers."""
    return _litetrack(4, 2)
