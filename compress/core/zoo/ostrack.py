"""OSTrack: one-stream ViT with a centre head, and the embedded default of the same design."""

from __future__ import annotations

from dataclasses import replace

from compress.core.spec import TrackerSpec
from compress.core.spec_fields import HeadSpec
from compress.core.zoo.trackers import TRACKERS, uniform_layers


@TRACKERS.register
def ostrack_nano() -> TrackerSpec:
    """The embedded default: OSTrack's one-stream design at d = 128, crops of 128 and 64 pixels."""
    return TrackerSpec(
        dim=128, heads=4, layers=uniform_layers(12, 512), template_size=64, search_size=128, head=HeadSpec(channels=64)
    )


@TRACKERS.register
def ostrack256() -> TrackerSpec:
    """OSTrack-256 without candidate elimination (ViT-B/16)."""
    return TrackerSpec(dim=768, heads=12, layers=uniform_layers(12, 3072))


@TRACKERS.register
def ostrack256_ce() -> TrackerSpec:
    """OSTrack-256 with candidate elimination: layers 3, 6 and 9, from 0, pass on 0.7 of their search tokens."""
    layers = tuple(replace(layer, keep=0.7 if layer.source in (3, 6, 9) else None) for layer in ostrack256().layers)
    return replace(ostrack256(), layers=layers)


@TRACKERS.register
def ostrack384_ce() -> TrackerSpec:
    """OSTrack-384 with candidate elimination, at crops of 384 and 192 pixels."""
    return replace(ostrack256_ce(), template_size=192, search_size=384, search_factor=5.0)
