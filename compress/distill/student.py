"""Distilling a student on the pool: ground truth, imitation of the teacher's answers, mimicry of its features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from compress.core import CompressError, TrackerSpec
from compress.distill.losses import ground_truth_loss, imitation_loss, mimic_loss
from compress.distill.optimise import AveragedWeights, learning_rate, optimiser, to_input
from compress.distill.pool import Pool
from compress.models import Tracker


@dataclass(frozen=True)
class StudentRecipe:
    """How a student is distilled. Losses: ground truth + `score`·… + `box`·… + `mimic`·….

    Attributes:
        lr, warmup: Peak learning rate of AdamW, and the share of the steps that warm it up; a half cosine follows.
        score, box, mimic: Weights of score imitation, box imitation, feature mimicry.
        ema: Decay of the averaged weights, which are what is kept.
    """

    batch: int = 32
    lr: float = 5e-4
    warmup: float = 0.1
    weight_decay: float = 0.02
    score: float = 60.0
    box: float = 20.0
    mimic: float = 8.0
    ema: float = 0.99


Report = Callable[[int, dict[str, float]], None]


def matched_layers(student: TrackerSpec, teacher_depth: int) -> dict[int, int]:
    """For each student layer, the teacher layer whose output it should reproduce.

    What follows student layer k is the copy of teacher layer s(k+1), so its input, the output of teacher layer
    s(k+1) − 1, is what layer k must hand on; the last layer must hand the head the teacher's last output.
    """
    following = [layer.source - 1 for layer in student.layers[1:]] + [teacher_depth - 1]
    return dict(enumerate(following))


def distill(
    student: Tracker,
    pool: Pool,
    recipe: StudentRecipe,
    *,
    teacher_depth: int,
    steps: int,
    seed: int,
    device: torch.device,
    report: Report | None = None,
) -> Tracker:
    """Train `student` for `steps` batches of the pool; returns its averaged weights in eval mode.

    Args:
        report: Called about every twentieth of the way with the step and the mean of each loss part since.

    Raises:
        CompressError: the loss is not finite.
    """
    student = student.to(device).train()
    average = AveragedWeights(student, recipe.ema)
    descent = optimiser(student, recipe.lr, recipe.weight_decay)
    generator = torch.Generator().manual_seed(seed)
    pairs = _matched(student.spec, pool, teacher_depth)
    sums: dict[str, Tensor] = {}
    since = 0
    for step in range(steps):
        for group in descent.param_groups:
            group["lr"] = learning_rate(step, steps, recipe.lr, round(recipe.warmup * steps))
        rows = torch.randint(len(pool), (recipe.batch,), generator=generator)
        parts = _loss(student, pool, rows, recipe, pairs, device)
        descent.zero_grad(set_to_none=True)
        torch.autograd.backward(parts["loss"])
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        descent.step()
        average.update(student)
        sums = {k: v.detach() + sums.get(k, 0.0) for k, v in parts.items()}
        since += 1
        if since >= max(1, steps // 20) or step + 1 == steps:
            _report(report, step + 1, sums, since)
            sums, since = {}, 0
    return average.model.train(False)


def _matched(spec: TrackerSpec, pool: Pool, teacher_depth: int) -> dict[int, int]:
    return {k: t for k, t in matched_layers(spec, teacher_depth).items() if t in pool.layers}


def _loss(
    student: Tracker, pool: Pool, rows: Tensor, recipe: StudentRecipe, pairs: dict[int, int], device: torch.device
) -> dict[str, Tensor]:
    template, search = to_input(pool.template[rows].to(device)), to_input(pool.search[rows].to(device))
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
        out = student(template, search, collect=True)
    maps = {k: v.float() for k, v in out.maps.items()}
    parts = ground_truth_loss(maps, pool.boxes[rows].to(device))
    imitation = imitation_loss(maps, {k: v[rows].to(device).float() for k, v in pool.maps.items()})
    assert out.layers is not None
    mimicry = [mimic_loss(out.layers[k].float(), pool.layers[t][rows].to(device).float()) for k, t in pairs.items()]
    mimic = torch.stack(mimicry).mean()
    weighted = recipe.score * imitation["imitate_score"] + recipe.box * imitation["imitate_box"] + recipe.mimic * mimic
    return {**parts, **imitation, "mimic": mimic, "loss": parts["loss"] + weighted}


def _report(report: Report | None, step: int, sums: dict[str, Tensor], count: int) -> None:
    means = {k: float(v) / count for k, v in sums.items()}
    if not torch.isfinite(torch.tensor(means["loss"])):
        raise CompressError(
            f"Distillation diverged: the loss is {means['loss']} at step {step}. Lower the learning rate and run again."
        )
    if report is not None:
        report(step, means)
