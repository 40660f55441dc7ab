"""Trackers small enough to train in a test, one for each kind of teacher, and students of them."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from compress.core import HeadSpec, LayerSpec, TrackerSpec
from compress.data.generated import sample_pairs
from compress.distill import to_input
from compress.models import Tracker, build

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
TEACHERS = {"centre": SPEC, "eliminating": ELIMINATING, "pyramid": DENSE, "tokens": SCORED}


def shorter(spec: TrackerSpec) -> TrackerSpec:
    """Without the two layers in the middle."""
    return replace(spec, layers=(spec.layers[0], spec.layers[3]))


STUDENT = shorter(SPEC)


@torch.no_grad()
def awake(spec: TrackerSpec, seed: int = 0) -> Tracker:
    """A tracker whose layers all matter: fresh ones hand on nearly what they take in, so that any copy is a good one.

    Its batch norms have seen generated crops, so that it says the same in train and eval mode.
    """
    torch.manual_seed(seed)
    model = build(spec).train()
    for module in model.get_submodule("backbone").modules():
        if isinstance(module, nn.Linear):
            module.weight.normal_(std=module.in_features**-0.5)
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None
    sizes = {"template_size": spec.template_size, "search_size": spec.search_size}
    pairs = sample_pairs(3, 0, 64, template_factor=2.0, search_factor=4.0, **sizes)
    model(*(to_input(torch.from_numpy(crops)) for crops in (pairs.template, pairs.search)))
    for norm in norms:
        norm.momentum = 0.1
    return model.eval()
