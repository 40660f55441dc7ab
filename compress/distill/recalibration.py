"""Statistics of batch norms that belong to one student, after its weights came from a network shared by many."""

from __future__ import annotations

import torch
from torch import nn

from compress.core import ExecutionPath
from compress.distill.batches import FixedPairs
from compress.distill.inputs import to_input
from compress.distill.optimisation import of_backbone
from compress.distill.resolution import crops_at
from compress.models import Tracker

PAIRS = 256
"""Pairs whose statistics are taken."""


@torch.no_grad()
def recalibrated(
    student: Tracker, fixed: FixedPairs, *, device: torch.device, pairs: int = PAIRS, batch: int = 32
) -> Tracker:
    """The student, in eval mode, with the statistics of its head's batch norms taken anew from pairs, in place.

    A head of a network of shared weights has seen the features of all students (BigNAS). A backbone's batch norms
    keep the teacher's statistics in training, too, see `keep_statistics`. Without batch norms it stays as it is.

    Args:
        pairs: The first ones of `fixed`, as many as there are.
        batch: Pairs at a time; each batch counts alike.
    """
    norms = [
        module
        for name, module in student.named_modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and not of_backbone(name)
    ]
    student = student.to(device).eval()
    if not norms:
        return student
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over all batches
        norm.train()
    count = min(pairs, len(fixed))
    for start in range(0, count, batch):
        rows = slice(start, min(count, start + batch))
        template, search = (to_input(each[rows].to(device)) for each in (fixed.template, fixed.search))
        crops = crops_at(template, search, student.spec)
        student(*crops, every_exit=True, forced_path=ExecutionPath(skipped=frozenset()))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    return student.eval()
