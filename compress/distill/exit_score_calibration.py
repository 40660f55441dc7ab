"""Calibration of exit scores: they alone are trained, on the finished network."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from compress.distill.batches import FixedPairs
from compress.distill.inputs import to_input
from compress.distill.losses.boxes import corners, giou
from compress.distill.optimisation import optimiser, warmup_cosine
from compress.distill.recipe import StudentRecipe
from compress.distill.resolution import crops_at
from compress.models import AdaptiveTracker, Tracker

_BATCH, _LR, _DECAY = 64, 1e-3, 0.05


def calibrate_exit_scores(
    student: Tracker, pairs: FixedPairs, recipe: StudentRecipe, *, count: int, seed: int, device: torch.device
) -> None:
    """Train nothing but what exits predict from the IoU token, in place, while all other weights stay as they are.

    While everything is trained together the boxes change faster than a score can follow, and the averaged weights,
    which are kept, give yet other boxes. The network runs once on every pair, without gradients, so that all passes
    together cost little more than that. Does nothing where there are no early exits.

    Args:
        count: Pairs to calibrate on, at most; no more than there are.
    """
    if len(student.spec.exits) < 2 or not recipe.calibration_passes:
        return
    assert isinstance(student, AdaptiveTracker)
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randperm(len(pairs), generator=generator)[:count]
    scores = nn.ModuleList(student.exit(k).score for k in range(len(student.spec.exits)))
    tokens, ious = _scored_tokens(student.eval(), scores, pairs, rows, device)
    scores.requires_grad_(True)
    _fit(scores, tokens, ious, recipe.calibration_passes, generator)
    scores.requires_grad_(False)


@torch.no_grad()
def _scored_tokens(
    student: AdaptiveTracker, scores: nn.ModuleList, pairs: FixedPairs, rows: Tensor, device: torch.device
) -> tuple[Tensor, Tensor]:
    """The input of each exit's score (n, E, dim), and the IoU that its box has (n, E)."""
    tokens: list[Tensor] = []
    ious: list[Tensor] = []
    read: list[Tensor] = []
    hooks = [score.register_forward_pre_hook(lambda _, inputs: read.append(inputs[0].float())) for score in scores]
    for part in _parts(rows):
        template, search = (to_input(crops[part].to(device)) for crops in (pairs.template, pairs.search))
        template, search = crops_at(template, search, student.spec)
        read.clear()
        answers = student(template, search, every_exit=True).decisions.exits
        truth = corners(pairs.boxes[part].to(device)).clamp(0, 1)
        ious.append(torch.stack([giou(corners(each.boxes.float()), truth)[1] for each in answers], 1))
        tokens.append(torch.stack(read, 1))
    for hook in hooks:
        hook.remove()
    return torch.cat(tokens), torch.cat(ious)


def _fit(scores: nn.ModuleList, tokens: Tensor, ious: Tensor, passes: int, generator: torch.Generator) -> None:
    """Minimise the squared error of each score by itself, which is part of the joint loss, too."""
    descent = optimiser(scores, _LR, _DECAY)
    steps = passes * -(-len(tokens) // _BATCH)
    batches = (part for _ in range(passes) for part in _parts(torch.randperm(len(tokens), generator=generator)))
    schedule = warmup_cosine(descent, steps, 0)
    for part in batches:
        found = torch.stack([score(tokens[part, k]).squeeze(1) for k, score in enumerate(scores)], 1).sigmoid()
        descent.zero_grad(set_to_none=True)
        torch.autograd.backward(F.mse_loss(found, ious[part]) * len(scores))
        descent.step()
        schedule.step()


def _parts(rows: Tensor) -> Iterator[Tensor]:
    for start in range(0, len(rows), _BATCH):
        yield rows[start : start + _BATCH]
