"""Which layers a teacher can best do without: by what the loss becomes where they are left out."""

from __future__ import annotations

from dataclasses import replace

import torch

from compress.core import TrackerSpec
from compress.distill.inputs import to_input
from compress.distill.losses import ground_truth_loss
from compress.distill.pool import Pool
from compress.models import Tracker
from compress.surgery import inherit

PAIRS = 64
"""Pairs that say what a layer is worth."""


@torch.no_grad()
def removal_order(teacher: Tracker, pool: Pool, *, least: int = 1, pairs: int = PAIRS) -> list[int]:
    """Layers of a teacher in the order of their removal, until `least` are left.

    Each time the one goes without which the loss over the pool's first pairs, against the ground truth, is the least,
    given those that went before.

    Raises:
        UsageError: a LeViT, whose layers are of several widths and cannot be left out one by one.
    """
    device = next(teacher.parameters()).device
    rows = slice(0, min(pairs, len(pool)))
    template, search = (to_input(each[rows].to(device)) for each in (pool.template, pool.search))
    boxes = pool.boxes[rows].to(device)

    def loss(layers: list[int]) -> float:
        student = inherit(teacher, kept_layers(teacher.spec, layers)).eval()
        return float(ground_truth_loss(student(template, search).maps, boxes)["loss"])

    left, removed = list(range(len(teacher.spec.layers))), []
    while len(left) > least:
        losses = {i: loss([each for each in left if each != i]) for i in left}
        removed.append(min(left, key=lambda i: losses[i]))
        left.remove(removed[-1])
    return removed


def kept_layers(teacher: TrackerSpec, layers: list[int]) -> TrackerSpec:
    """The teacher with some of its layers alone."""
    return replace(teacher, layers=tuple(replace(teacher.layers[i], source=i) for i in sorted(layers)))
