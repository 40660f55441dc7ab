"""DyTrack: a one-stream ViT that stops at the first of three exits that trusts its own box."""

from __future__ import annotations

from compress.core.spec import TrackerSpec
from compress.core.spec_fields import ExitSpec, HeadSpec
from compress.core.zoo.trackers import TRACKERS, uniform_layers


@TRACKERS.register
def dytrack() -> TrackerSpec:
    """DyTrack: ViT-B/16 with exits after layers 2, 6 and 12, adapters of 2, 1 and 0 layers."""
    return TrackerSpec(
        dim=768,
        heads=12,
        layers=uniform_layers(12, 3072),
        head=HeadSpec(kind="corner", reparam=True),
        exits=(ExitSpec(2, adapter=2), ExitSpec(6, adapter=1), ExitSpec(12)),
    )
