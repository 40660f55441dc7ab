"""Distilling a student: what is minimised, on which pairs, in which stages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from random import Random

import torch
from torch import Tensor, nn

from compress.core.progress import Progress, no_progress
from compress.distill.adaptive_objective import AdaptiveObjective
from compress.distill.batches import Batch, Batches
from compress.distill.checkpoint import Checkpoint
from compress.distill.exit_score_calibration import calibrate_exit_scores
from compress.distill.memory import fitting
from compress.distill.objective import static_objective
from compress.distill.optimisation import keep_statistics
from compress.distill.pool import Pool
from compress.distill.recipe import StudentRecipe
from compress.distill.reports import Observer
from compress.distill.trainer import Objective, Trainer
from compress.distill.trainer_settings import TrainerSettings
from compress.models import Tracker

_SHARES = 6
"""Shares of kept search tokens that a student is trained for, where its own is chosen afterwards."""


def distill(
    student: Tracker,
    pairs: Batches,
    recipe: StudentRecipe,
    *,
    steps: int,
    seed: int,
    device: torch.device,
    progress: Progress = no_progress,
    before: Callable[[int], None] = lambda step: None,
    again: bool = False,
    checkpoint: Checkpoint | None = None,
    training: TrainerSettings | None = None,
    observers: Sequence[Observer] = (),
) -> Tracker:
    """Train `student` for `steps` batches; returns its averaged weights in eval mode.

    A student with bypass or exits is trained in two stages, see `AdaptiveObjective`; then the scores of its exits are
    calibrated on the averaged weights, see `calibrate_exit_scores`. One whose share of kept search tokens is chosen
    afterwards keeps another one at every step, see `any_share`. A backbone's batch norms keep the teacher's statistics.

    Args:
        pairs: A pool or a stream; for a training that follows on another, see `Batches.after`.
        progress: Called about every twentieth of the steps, with the mean of each loss part since.
        before: Called with the step, counted from 0, before each.
        again: It was distilled before, so an adaptive one needs no static stage.
        checkpoint: Where the state is kept while it is trained; a student that was stopped continues there, and comes
            out as if it had not been. It is left there at the end, for the caller to remove once the student is safe.
        training: How it is trained, such as a published recipe has it; as the student's recipe does where None, within
            a bound of memory, see `fitting`.
        observers: As of `Trainer`.

    Raises:
        UsageError: a head that cannot imitate the teacher's.
        CompressError: the training diverged.
        FileError: the checkpoint is damaged or belongs to another training.
    """
    student = student.to(device).train()
    keep_statistics(student)
    static_steps = 0 if again else round(recipe.static * steps)
    objective, beside = _objective(student, recipe, static_steps)
    if student.spec.keep_least is not None:
        objective = any_share(student, objective, seed)
    trainer: Trainer[Tracker, Batch] = Trainer(
        student,
        objective,
        partial(pairs.batches, count=recipe.batch, seed=seed, device=device),
        fitting(training or recipe.trainer(steps, student.spec), student.spec, recipe.batch, device),
        device=device,
        beside=beside.to(device),
        scale=lambda name: recipe.new if is_new(name) else 1.0,
        checkpoint=checkpoint,
        about={"student": student.spec.in_fp32.id, "again": again, "seed": seed, **pairs.about, **recipe.figures()},
        before=before,
        progress=progress,
        observers=observers,
    )
    found = trainer.run()
    if static_steps < steps and student.spec.exits:
        calibrate_exit_scores(found, pairs.fixed, recipe, count=steps * recipe.batch, seed=seed, device=device)
    return found


def distillation_loss(
    student: Tracker, pool: Pool, rows: Tensor, recipe: StudentRecipe, device: torch.device
) -> dict[str, Tensor]:
    """`loss` and its parts over some rows of the pool, in the mode that the student is in."""
    objective, beside = _objective(student, recipe, 0)
    beside.to(device)
    return objective(pool.batch(rows, device), 0)


def is_new(name: str) -> bool:
    """Parameters that no teacher without exits has and that do not start as what they should become."""
    return ".score." in name or ".gate." in name


def any_share(student: Tracker, objective: Objective[Batch], seed: int) -> Objective[Batch]:
    """The objective of a student with `keep_least`, which at each step keeps a share of tokens drawn from `shares`.

    So one set of weights serves all of them (MaST); the same share at a step whenever it comes, and in every process.
    """
    assert student.spec.keep_least is not None
    choices = shares(student.spec.keep_least)

    def parts(batch: Batch, step: int) -> dict[str, Tensor]:
        with student.keeping(Random(f"{seed} {step} kept").choice(choices)):
            return objective(batch, step)

    return parts


def shares(least: float) -> tuple[float, ...]:
    """From the least share to all, evenly: few, so that a compiled student meets few shapes."""
    return tuple(least + (1 - least) * i / (_SHARES - 1) for i in range(_SHARES))


def _objective(student: Tracker, recipe: StudentRecipe, static_steps: int) -> tuple[Objective[Batch], nn.Module]:
    """What is minimised, and what is trained beside the student for that."""
    if not (student.spec.bypass or student.spec.exits):
        return lambda batch, step: static_objective(student, batch, recipe), nn.ModuleList()
    adaptive = AdaptiveObjective(student, recipe, static_steps)
    return adaptive, adaptive.attentions
