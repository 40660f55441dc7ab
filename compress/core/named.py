"""Named trackers: each a `TrackerSpec` that a search can start from."""

from __future__ import annotations

from dataclasses import replace

from compress.core.registry import Registry
from compress.core.spec import Attention, HeadSpec, LayerSpec, TrackerSpec

TRACKERS: Registry[TrackerSpec] = Registry("teacher")


def describe(name: str) -> TrackerSpec:
    """The spec of a named tracker.

    Raises:
        UsageError: unknown name, with close matches.
    """
    return TRACKERS[name]()


def _layers(depth: int, mlp_hidden: int, attention: Attention = "joint") -> tuple[LayerSpec, ...]:
    return tuple(LayerSpec(source=i, mlp_hidden=mlp_hidden, attention=attention) for i in range(depth))


@TRACKERS.register
def ostrack_nano() -> TrackerSpec:
    """The embedded default: OSTrack's one-stream design at d = 128, crops of 128 and 64 pixels."""
    return TrackerSpec(
        dim=128, heads=4, layers=_layers(12, 512), template_size=64, search_size=128, head=HeadSpec(channels=64)
    )


@TRACKERS.register
def ostrack256() -> TrackerSpec:
    """OSTrack-256 without candidate elimination (ViT-B/16)."""
    return TrackerSpec(dim=768, heads=12, layers=_layers(12, 3072))


@TRACKERS.register
def ostrack256_ce() -> TrackerSpec:
    """OSTrack-256 with candidate elimination: layers 3, 6 and 9, from 0, pass on 0.7 of their search tokens."""
    layers = tuple(replace(layer, keep=0.7 if layer.source in (3, 6, 9) else None) for layer in ostrack256().layers)
    return replace(ostrack256(), layers=layers)


@TRACKERS.register
def ostrack384_ce() -> TrackerSpec:
    """OSTrack-384 with candidate elimination, at crops of 384 and 192 pixels."""
    return replace(ostrack256_ce(), template_size=192, search_size=384, search_factor=5.0)


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
    """LiteTrack-B8: 5 + 3 layers, as the published code has it (the paper's Table I says 6 + 2)."""
    return _litetrack(8, 3)


@TRACKERS.register
def litetrack_b6() -> TrackerSpec:
    """LiteTrack-B6: 3 + 3 layers."""
    return _litetrack(6, 3)


@TRACKERS.register
def litetrack_b4() -> TrackerSpec:
    """LiteTrack-B4: 2 + 2 layers."""
    return _litetrack(4, 2)
