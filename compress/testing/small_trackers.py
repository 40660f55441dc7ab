"""Trackers small enough to train in a test, one for each kind of teacher, and students of them."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from compress.core import HeadSpec, LayerSpec, StageSpec, TrackerSpec
from compress.data.generated import sample_pairs
from compress.distill import to_input
from compress.models import Tracker, build
from compress.models.levit.layers import LevitAttention, LevitMlp, OffsetBias

SPEC = TrackerSpec(
    dim=32,
    heads=2,
    layers=tuple(LayerSpec(source=i, mlp_hidden=64) for i in range(4)),
    template_size=32,
    search_size=64,
    head=HeadSpec(channels=8),
)
ELIMINATING = replace(
    SPEC, layers=tuple(replace(layer, keep=0.6 if layer.source == 1 else None) for layer in SPEC.layers)
)
DENSE = replace(
    SPEC,
    layers=tuple(replace(layer, attention="asymmetric") for layer in SPEC.layers),
    head=HeadSpec(kind="pyramid", channels=16),
    final_norm=False,
    position="sincos",
    online_templates=1,
)
SPARSE = replace(DENSE, head=HeadSpec(kind="tokens", bins=16))
SCORED = replace(DENSE, head=HeadSpec(kind="tokens", bins=16, score=True))
LEVIT = TrackerSpec(
    dim=16,
    heads=4,
    layers=tuple(LayerSpec(source=i, mlp_hidden=32, stage=i // 2) for i in range(6)),
    backbone="levit",
    stages=(StageSpec(16, 4, 4), StageSpec(24, 4, 4, 6, 48), StageSpec(32, 4, 4, 8, 64)),
    template_size=64,
    search_size=64,
    head=HeadSpec(kind="corner", channels=16),
    final_norm=False,
)
TEACHERS = {"centre": SPEC, "eliminating": ELIMINATING, "pyramid": DENSE, "tokens": SCORED, "levit": LEVIT}


def shorter(spec: TrackerSpec) -> TrackerSpec:
    """Half of the layers: without the two in the middle, or without the first of each stage."""
    kept = (1, 3, 5) if spec.stages else (0, 3)
    return replace(spec, layers=tuple(spec.layers[i] for i in kept))


STUDENT = shorter(SPEC)


@torch.no_grad()
def awake(spec: TrackerSpec, seed: int = 0) -> Tracker:
    """A tracker whose layers all matter: fresh ones hand on nearly what they take in, so that any copy is a good one.

    Its batch norms have seen generated crops.
    """
    torch.manual_seed(seed)
    model = build(spec).eval()
    for module in model.get_submodule("backbone").modules():
        if isinstance(module, nn.Linear):
            module.weight.normal_(std=module.in_features**-0.5)
        if isinstance(module, LevitMlp | LevitAttention):
            nn.init.ones_((module.fc2 if isinstance(module, LevitMlp) else module.proj).bn.weight)
        if isinstance(module, OffsetBias):
            module.table.normal_()
    _settle(model)
    return model


@torch.no_grad()
def _settle(model: Tracker) -> None:
    """Give every batch norm the statistics of what reaches it, from the input on."""
    spec = model.spec
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(_take_statistics) for norm in norms]
    pairs = sample_pairs(
        3,
        0,
        64,
        template_size=spec.template_size,
        search_size=spec.search_size,
        template_factor=2.0,
        search_factor=4.0,
    )
    model(*(to_input(torch.from_numpy(crops)) for crops in (pairs.template, pairs.search)))
    for hook in hooks:
        hook.remove()


def _take_statistics(norm: nn.BatchNorm1d | nn.BatchNorm2d, inputs: tuple[torch.Tensor]) -> None:
    channels = inputs[0].transpose(0, 1).flatten(1)
    norm.running_mean, norm.running_var = channels.mean(1), channels.var(1)
