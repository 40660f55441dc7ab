"""Named trackers made narrow enough to run in no time, with all that makes them what they are."""

from __future__ import annotations

from dataclasses import replace

from compress.core import HeadSpec, LayerSpec, StageSpec, TrackerSpec


def small(spec: TrackerSpec) -> TrackerSpec:
    """The same tracker with narrow layers, head and crops; attention, exits, bypass and stages as they are."""
    head = replace(spec.head, channels=8, bins=12 if spec.head.bins else 0)
    return _staged(spec, head) if spec.stages else _of_one_width(spec, head)


def _of_one_width(spec: TrackerSpec, head: HeadSpec) -> TrackerSpec:
    dim = 8 * spec.heads

    def narrow(layer: LayerSpec) -> LayerSpec:
        attn, mlp = (layer.attn_dims and 6 * spec.heads), (layer.mlp_dims and 5 * spec.heads)
        return replace(layer, mlp_hidden=40, attn_dims=attn, mlp_dims=mlp)

    layers = tuple(map(narrow, spec.layers))
    return replace(spec, dim=dim, layers=layers, head=head, template_size=32, search_size=64)


def _staged(spec: TrackerSpec, head: HeadSpec) -> TrackerSpec:
    def narrow(i: int, stage: StageSpec) -> StageSpec:
        return replace(stage, dim=8 * (i + 2), key_dim=4, shrink_hidden=20 * (i > 0))

    stages = tuple(narrow(i, stage) for i, stage in enumerate(spec.stages))
    heads = replace(stages[0], heads=4)
    layers = tuple(replace(layer, mlp_hidden=20) for layer in spec.layers)
    return replace(
        spec,
        dim=heads.dim,
        heads=4,
        stages=(heads, *stages[1:]),
        layers=layers,
        head=head,
        template_size=64,
        search_size=128,
    )
