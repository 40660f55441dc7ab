"""HiT: a hierarchical LeViT, shrinking between stages, a bridge back to full resolution, a corner head."""

from __future__ import annotations

from compress.core.spec import TrackerSpec
from compress.core.spec_fields import HeadSpec, LayerSpec, StageSpec
from compress.core.zoo.trackers import TRACKERS


def _hit(
    dims: tuple[int, int, int],
    depths: tuple[int, int, int],
    heads: tuple[int, int, int],
    key_dim: int,
    shrink_heads: tuple[int, int],
) -> TrackerSpec:
    first = StageSpec(dims[0], heads[0], key_dim)
    later = (StageSpec(dims[i], heads[i], key_dim, shrink_heads[i - 1], 2 * dims[i]) for i in (1, 2))
    stage_of = [stage for stage, depth in enumerate(depths) for _ in range(depth)]
    layers = (LayerSpec(source=i, mlp_hidden=2 * dims[stage], stage=stage) for i, stage in enumerate(stage_of))
    return TrackerSpec(
        dim=dims[0],
        heads=heads[0],
        layers=tuple(layers),
        backbone="levit",
        stages=(first, *later),
        head=HeadSpec(kind="corner"),
        final_norm=False,
    )


@TRACKERS.register
def hit_base() -> TrackerSpec:
    """HiT-Base: LeViT-384."""
    return _hit((384, 512, 768), (4, 4, 4), (6, 9, 12), 32, (12, 16))


@TRACKERS.register
def hit_small() -> TrackerSpec:
    """HiT-Small: LeViT-128."""
    return _hit((128, 256, 384), (4, 4, 4), (4, 8, 12), 16, (8, 16))


@TRACKERS.register
def hit_tiny() -> TrackerSpec:
    """HiT-Tiny: LeViT-128S."""
    return _hit((128, 256, 384), (2, 3, 4), (4, 6, 8), 16, (8, 16))
