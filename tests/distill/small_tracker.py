"""A tracker small enough to train in a test, and a student of it."""

from __future__ import annotations

from dataclasses import replace

from compress.core import HeadSpec, LayerSpec, TrackerSpec

SPEC = TrackerSpec(
    dim=32,
    heads=2,
    layers=tuple(LayerSpec(source=i, mlp_hidden=64) for i in range(4)),
    template_size=32,
    search_size=64,
    head=HeadSpec(channels=8),
)
STUDENT = replace(SPEC, layers=(SPEC.layers[0], SPEC.layers[3]))
