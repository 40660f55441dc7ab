"""Distilling a student on the pool: the loop, which knows nothing of what it minimises."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from compress.core import CompressError
from compress.core.progress import Progress, no_progress
from compress.distill.adaptive import Adaptive
from compress.distill.exit_score_calibration import calibrate_exit_scores
from compress.distill.objective import Batch, static_parts
from compress.distill.optimise import (
    AveragedWeights,
    keep_statistics,
    learning_rate,
    optimiser,
    set_learning_rate,
)
from compress.distill.pool import Pool
from compress.distill.recipe import StudentRecipe
from compress.models import Tracker

__all__ = ["StudentRecipe", "distill", "distillation_loss"]

Objective = Callable[[Batch, int], dict[str, Tensor]]
"""`loss` and its parts of a batch, at a step counted from 0."""


def distill(
    student: Tracker,
    pool: Pool,
    recipe: StudentRecipe,
    *,
    steps: int,
    seed: int,
    device: torch.device,
    progress: Progress = no_progress,
    before: Callable[[int], None] | None = None,
    again: bool = False,
) -> Tracker:
    """Train `student` for `steps` batches of the pool; returns its averaged weights in eval mode.

    A student with bypass or exits is trained in two stages, see `Adaptive`; then scores of exits settle on the averaged
    weights, see `calibrate_exit_scores`. A backbone's batch norms keep the teacher's statistics.

    Args:
        progress: Called about every twentieth of the steps, with the mean of each loss part since.
        before: Called with the step, counted from 0, before each.
        again: It was distilled before, so an adaptive one needs no static stage.

    Raises:
        UsageError: a head that cannot imitate the teacher's.
        CompressError: the loss is not finite.
    """
    student = student.to(device).train()
    keep_statistics(student)
    static_steps = 0 if again else round(recipe.static * steps)
    objective, beside = _objective(student, recipe, static_steps)
    trained = nn.ModuleList([student, beside.to(device)])
    average = AveragedWeights(student, recipe.ema)
    descent = optimiser(trained, recipe.lr, recipe.weight_decay, new=_new, scale=recipe.new)
    generator = torch.Generator().manual_seed(seed)
    means = _Means(progress, steps)
    for step in range(steps):
        if before is not None:
            before(step)
        set_learning_rate(descent, learning_rate(step, steps, recipe.lr, round(recipe.warmup * steps)))
        rows = torch.randint(len(pool), (recipe.batch,), generator=generator)
        parts = objective(Batch.of(pool, rows, device), step)
        descent.zero_grad(set_to_none=True)
        torch.autograd.backward(parts["loss"])
        torch.nn.utils.clip_grad_norm_(trained.parameters(), 1.0)
        descent.step()
        average.update(student)
        means.add(step + 1, parts)
        if means.count >= max(1, steps // 20) or step + 1 == steps:
            means.report()
    found: Tracker = average.model.train(False)
    if static_steps < steps:
        calibrate_exit_scores(found, pool, recipe, count=steps * recipe.batch, seed=seed, device=device)
    return found


def _new(name: str) -> bool:
    """Parameters that no teacher without exits has and that do not start as what they should become."""
    return ".score." in name or ".gate." in name


def distillation_loss(
    student: Tracker, pool: Pool, rows: Tensor, recipe: StudentRecipe, device: torch.device
) -> dict[str, Tensor]:
    """`loss` and its parts over some rows of the pool, in the mode that the student is in."""
    objective, beside = _objective(student, recipe, 0)
    beside.to(device)
    return objective(Batch.of(pool, rows, device), 0)


def _objective(student: Tracker, recipe: StudentRecipe, static_steps: int) -> tuple[Objective, nn.Module]:
    """What is minimised, and what is trained beside the student for that."""
    if not (student.spec.bypass or student.spec.exits):
        return lambda batch, _: static_parts(student, batch, recipe), nn.ModuleList()
    adaptive = Adaptive(student, recipe, static_steps)
    return adaptive, adaptive.attentions


class _Means:
    """Means of the loss parts since the last report; a new stage, whose parts are others, is reported apart."""

    def __init__(self, progress: Progress, steps: int) -> None:
        self._progress, self._steps, self._step = progress, steps, 0
        self._sums: dict[str, Tensor] = {}
        self.count = 0

    def add(self, step: int, parts: dict[str, Tensor]) -> None:
        if self.count and parts.keys() != self._sums.keys():
            self.report()
        self._sums = {k: v.detach() + self._sums.get(k, 0.0) for k, v in parts.items()}
        self._step, self.count = step, self.count + 1

    def report(self) -> None:
        means = {k: float(v) / self.count for k, v in self._sums.items()}
        self._sums, self.count = {}, 0
        if not math.isfinite(means["loss"]):
            raise CompressError(
                f"Distillation diverged: the loss is {means['loss']} at step {self._step}. "
                "Lower the learning rate and run again."
            )
        self._progress(f"step {self._step} of {self._steps}", self._step / self._steps, means)
