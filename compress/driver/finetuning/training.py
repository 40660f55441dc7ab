"""The training of a fine-tuning, from the weights of the parent; resumed where it was stopped."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path

import torch

from compress.archive import CurveFile
from compress.core import Store, fingerprint
from compress.core.phases import phase
from compress.core.progress import Progress, part
from compress.core.threads import usable_cores
from compress.distill import Checkpoint, Pool, distill, distillation_pool
from compress.distill.reports import Observer, TensorBoard
from compress.driver.finetuning.inputs import FinetuneInputs
from compress.driver.finetuning.schedule import FinetuneSchedule
from compress.driver.finetuning.settings import FinetuneSettings
from compress.driver.preparation import check_pool, pool_size
from compress.driver.run_dir import Log
from compress.driver.turns import give_way
from compress.models import Tracker, weights_key

_SEED = 2
"""Added to the seed for the pairs; a search of the same seed adds 1, and has drawn others."""


def training_key(inputs: FinetuneInputs, settings: FinetuneSettings, schedule: FinetuneSchedule) -> str:
    """Fingerprint of all that the weights will depend on, wherever they are trained."""
    pairs = [inputs.training.fingerprint, settings.seed, _pool_size(inputs, settings, schedule)]
    parent = [weights_key(inputs.network), inputs.parent.spec.id]
    return fingerprint([parent, inputs.teacher_weights, pairs, schedule.content])


@phase("training")
def train(
    inputs: FinetuneInputs,
    settings: FinetuneSettings,
    schedule: FinetuneSchedule,
    name: str,
    *,
    state: Path,
    device: torch.device,
    tensorboard: Path | None,
    progress: Progress,
) -> Tracker:
    """The fine-tuned network in eval mode; on a CPU, one that was stopped comes out as one that was not.

    Args:
        name: Of the new variant, for its curve and the log.
        state: Where the training is kept until it has ended; left there.
        tensorboard: Folder for TensorBoard's files.

    Raises:
        CompressError: the training diverged.
        FileError: the state is damaged.
    """
    curve = CurveFile(inputs.run_dir, name)
    observers: list[Observer] = [lambda report: curve.add(report.step, report.means)]
    if tensorboard is not None:
        observers.append(TensorBoard(tensorboard))
    pairs = _pairs(inputs, settings, schedule, device, part(progress, 0, 0))
    torch.manual_seed(settings.seed)
    return distill(
        copy.deepcopy(inputs.network),
        pairs,
        schedule.recipe,
        steps=schedule.steps,
        seed=settings.seed + _SEED,
        device=device,
        progress=_logged(inputs.run_dir, name, progress),
        before=lambda step: give_way(progress),
        again=True,
        checkpoint=Checkpoint(state, every_s=60 * settings.save_every),
        training=schedule.trainer,
        observers=observers,
    )


def check_pairs(inputs: FinetuneInputs, settings: FinetuneSettings, schedule: FinetuneSchedule) -> None:
    """Raises UsageError where the pairs would not fit into the memory of this machine."""
    check_pool(inputs.teacher.spec, _pool_size(inputs, settings, schedule))


def _pairs(
    inputs: FinetuneInputs,
    settings: FinetuneSettings,
    schedule: FinetuneSchedule,
    device: torch.device,
    progress: Progress,
) -> Pool:
    """What it is distilled on."""
    return distillation_pool(
        inputs.teacher,
        inputs.training,
        count=_pool_size(inputs, settings, schedule),
        seed=settings.seed + _SEED,
        store=Store(),
        device=device,
        workers=usable_cores(),
        weights_key=inputs.teacher_weights,
        progress=progress,
    )


def _pool_size(inputs: FinetuneInputs, settings: FinetuneSettings, schedule: FinetuneSchedule) -> int:
    return settings.pool or pool_size(inputs.teacher.spec, schedule.steps * schedule.recipe.batch // 2)


def _logged(run_dir: Path, name: str, progress: Progress) -> Progress:
    """`progress`, with the parts of the loss in the log of the run."""
    log = Log(run_dir)

    def logged(text: str, share: float, figures: Mapping[str, float] | None = None) -> None:
        if figures:
            log(f"{name} fine-tuning, {text}: " + " ".join(f"{k} {v:.4f}" for k, v in figures.items()))
        progress(f"{name}: {text}", share, figures)

    return logged
