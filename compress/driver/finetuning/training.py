"""The training of a fine-tuning, from the weights of the parent; resumed where it was stopped."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch

from compress.archive import CurveFile, distilling_step
from compress.core import Store, fingerprint
from compress.core.phases import phase
from compress.core.progress import Progress, part
from compress.distill import Checkpoint, Pool, StudentRecipe, distill, distillation_pool
from compress.driver.finetuning.inputs import FinetuneInputs
from compress.driver.finetuning.settings import FinetuneSettings
from compress.driver.preparation import check_pool, pool_size
from compress.driver.run_dir import Log
from compress.driver.turns import give_way
from compress.models import Tracker, weights_key

_SEED = 2
"""Added to the seed for the pairs; a search of the same seed adds 1, and has drawn others."""


def training_key(inputs: FinetuneInputs, settings: FinetuneSettings, recipe: StudentRecipe) -> str:
    """Fingerprint of all that the weights will depend on, wherever they are trained."""
    pairs = [inputs.training.fingerprint, settings.seed, _pool_size(inputs, settings, recipe)]
    how = [settings.steps, asdict(recipe)]
    return fingerprint([weights_key(inputs.network), inputs.parent.spec.id, inputs.teacher_weights, pairs, how])


@phase("training")
def train(
    inputs: FinetuneInputs,
    settings: FinetuneSettings,
    recipe: StudentRecipe,
    name: str,
    *,
    state: Path,
    device: torch.device,
    progress: Progress,
) -> Tracker:
    """The fine-tuned network in eval mode; on a CPU, one that was stopped comes out as one that was not.

    Args:
        name: Of the new variant, for its curve and the log.
        state: Where the training is kept until it has ended; left there.

    Raises:
        CompressError: the training diverged.
        FileError: the state is damaged.
    """
    return distill(
        copy.deepcopy(inputs.network),
        _pairs(inputs, settings, recipe, device, part(progress, 0, 0)),
        recipe,
        steps=settings.steps,
        seed=settings.seed + _SEED,
        device=device,
        progress=part(_noted(inputs.run_dir, name, progress), 0, 1, "Distilling"),
        before=lambda step: give_way(progress),
        again=True,
        checkpoint=Checkpoint(state, every_s=60 * settings.save_every),
    )


def check_pairs(inputs: FinetuneInputs, settings: FinetuneSettings, recipe: StudentRecipe) -> None:
    """Raises UsageError where the pairs would not fit into the memory of this machine."""
    check_pool(inputs.teacher.spec, _pool_size(inputs, settings, recipe))


def _pairs(
    inputs: FinetuneInputs, settings: FinetuneSettings, recipe: StudentRecipe, device: torch.device, progress: Progress
) -> Pool:
    """What it is distilled on."""
    return distillation_pool(
        inputs.teacher,
        inputs.training,
        count=_pool_size(inputs, settings, recipe),
        seed=settings.seed + _SEED,
        store=Store(),
        device=device,
        workers=os.cpu_count() or 1,
        weights_key=inputs.teacher_weights,
        progress=progress,
    )


def _pool_size(inputs: FinetuneInputs, settings: FinetuneSettings, recipe: StudentRecipe) -> int:
    return settings.pool or pool_size(inputs.teacher.spec, settings.steps * recipe.batch // 2)


def _noted(run_dir: Path, name: str, progress: Progress) -> Progress:
    """`progress`, with the parts of the loss in the variant's curve and in the log."""
    curve, log = CurveFile(run_dir, name), Log(run_dir)

    def noted(text: str, share: float, figures: Mapping[str, float] | None = None) -> None:
        if figures:
            log(f"{name} {text}: " + " ".join(f"{k} {v:.4f}" for k, v in figures.items()))
            if (step := distilling_step(text)) is not None:
                curve.add(step, figures)
        progress(f"{name}: {text}", share, figures)

    return noted
