"""ABTrack: a tiny one-stream ViT whose layers are skipped per frame and whose dimensions are reduced.

The three published trackers differ in the weights they start from only, so they share one spec.
"""

from __future__ import annotations

from compress.core.spec import TrackerSpec, kept_dims
from compress.core.spec_fields import BypassSpec, LayerSpec
from compress.core.zoo.trackers import TRACKERS

_DIM, _HEADS, _DEPTH = 192, 3, 12
_MU = 0.3
"""Share of dimensions that ViT pruning removes (Table 3)."""


def _abtrack() -> TrackerSpec:
    kept = kept_dims(_DIM, _HEADS, _MU)
    layers = (LayerSpec(source=i, mlp_hidden=4 * kept, attn_dims=kept, mlp_dims=kept) for i in range(_DEPTH))
    return TrackerSpec(dim=_DIM, heads=_HEADS, layers=tuple(layers), bypass=BypassSpec())


@TRACKERS.register
def abtrack_vit() -> TrackerSpec:
    """ABTrack-ViT: bypass and dimension reduction on ViT-Tiny."""
    return _abtrack()


@TRACKERS.register
def abtrack_deit() -> TrackerSpec:
    """ABTrack-DeiT: bypass and dimension reduction on DeiT-Tiny."""
    return _abtrack()


@TRACKERS.register
def abtrack_avit() -> TrackerSpec:
    """ABTrack-AViT: bypass and dimension reduction on A-ViT-Tiny."""
    return _abtrack()
