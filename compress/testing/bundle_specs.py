"""Small trackers of every head and backbone that a bundle can hold."""

from __future__ import annotations

from dataclasses import replace

from compress.core import BypassSpec, ExitSpec, HeadSpec, LayerSpec, StageSpec, TrackerSpec

SPLIT = TrackerSpec(
    dim=32,
    heads=2,
    layers=(LayerSpec(source=0, mlp_hidden=48, attention="FE"), LayerSpec(source=1, mlp_hidden=48, attention="AI")),
    template_size=32,
    search_size=64,
    head=HeadSpec(channels=16),
    target_token=True,
)
MIXFORMER = replace(
    SPLIT,
    layers=tuple(LayerSpec(source=i, mlp_hidden=48, attention="asymmetric") for i in range(3)),
    search_factor=4.5,
    head=HeadSpec(kind="tokens", bins=24, score=True),
    final_norm=False,
    target_token=False,
    position="sincos",
    online_templates=1,
)
LEVIT = TrackerSpec(
    dim=16,
    heads=2,
    layers=tuple(LayerSpec(source=i, mlp_hidden=32, stage=i // 2) for i in range(6)),
    backbone="levit",
    stages=(StageSpec(16, 2, 8), StageSpec(24, 3, 8, 4, 48), StageSpec(32, 4, 8, 6, 64)),
    template_size=64,
    search_size=128,
    head=HeadSpec(kind="corner", channels=16),
    final_norm=False,
)
FAMILIES = {
    "split-token": SPLIT,
    "tokens-score": MIXFORMER,
    "tokens-two-online": replace(MIXFORMER, online_templates=2),
    "tokens": replace(MIXFORMER, head=HeadSpec(kind="tokens", bins=24)),
    "pyramid": replace(MIXFORMER, head=HeadSpec(kind="pyramid", channels=16)),
    "levit": LEVIT,
    "uneven": replace(
        SPLIT,
        layers=(
            LayerSpec(source=0, mlp_hidden=40, attention="FE", attn_dims=24),
            LayerSpec(source=1, mlp_hidden=8, attention="AI", mlp_dims=31),
            LayerSpec(source=3, mlp_hidden=48, attention="AI", attn_dims=8, mlp_dims=12),
        ),
        target_token=False,
        template_size=64,
        keep_template=0.25,
    ),
}

JOINT = replace(
    SPLIT,
    layers=tuple(LayerSpec(source=i, mlp_hidden=48) for i in range(4)),
    target_token=False,
)
EXITS = (ExitSpec(1, adapter=1), ExitSpec(3, adapter=1), ExitSpec(4))
ADAPTIVE = {
    "bypass": replace(JOINT, bypass=BypassSpec(n_enf=2)),
    "bypass-first": replace(JOINT, bypass=BypassSpec(n_enf=0), head=HeadSpec(kind="corner", channels=16)),
    "exits": replace(JOINT, exits=EXITS),
    "both": replace(JOINT, bypass=BypassSpec(n_enf=1), exits=EXITS),
    "both-split": replace(
        SPLIT,
        layers=(*SPLIT.layers, replace(SPLIT.layers[1], source=2)),
        bypass=BypassSpec(n_enf=1),
        exits=(ExitSpec(2, adapter=1), ExitSpec(3, adapter=2)),
        recycling="c",
    ),
    "both-asymmetric": replace(
        MIXFORMER,
        head=HeadSpec(kind="corner", channels=16),
        bypass=BypassSpec(n_enf=0),
        exits=(ExitSpec(2), ExitSpec(3)),
        recycling="d",
    ),
    "bypass-renewing": replace(MIXFORMER, bypass=BypassSpec(n_enf=1)),
}
"""Trackers whose work depends on the frame."""
