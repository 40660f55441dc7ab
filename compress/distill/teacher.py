"""Training a teacher from scratch."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from compress.core import FileError, TrackerSpec
from compress.core.outputs import check_output
from compress.core.progress import Progress, no_progress
from compress.data import DataSource
from compress.distill.checkpoint import Checkpoint
from compress.distill.compute import network_autocast
from compress.distill.inputs import pick_device, to_input
from compress.distill.losses import ground_truth_loss
from compress.distill.parallel import process_group
from compress.distill.reports import Observer, TensorBoard, TrainingLog, displayed, pace
from compress.distill.teacher_batches import TeacherBatch, pair_sizes, teacher_batches
from compress.distill.teacher_recipe import TeacherRecipe
from compress.distill.trainer import Trainer
from compress.distill.trainer_settings import ComputeSettings, LossWeights
from compress.models import Tracker, build, save_weights
from compress.surgery import start_from_timm


def train_teacher(
    spec: TrackerSpec,
    recipe: TeacherRecipe,
    source: DataSource,
    *,
    out: Path,
    device: str = "auto",
    workers: int = 1,
    progress: Progress = no_progress,
    save_every: float = 120.0,
    compute: ComputeSettings | None = None,
    tensorboard: Path | None = None,
) -> Tracker:
    """Train and return the averaged network; `out` holds weights and state of the last save, and a log.

    The pairs depend on the source and the seed alone, not on `workers`. A run that was stopped continues when called
    again, and comes out, on a CPU, as if it had not been. Where `torchrun` started several processes they train
    together, each on its share of every batch.

    Args:
        source: Where pairs come from.
        workers: Processes that make pairs; 0 for this one.
        out: Folder for `weights.safetensors`, `state.safetensors`, `log.csv` (the loss) and `pace.csv` (the speed).
        save_every: The most seconds between saves; see `Checkpoint`.
        progress: Called now and then with the mean of each loss part since.
        tensorboard: Folder for TensorBoard's files.

    Raises:
        FileError: `out` holds the state of another training, or one of an older version.
        UsageError, FileError: of `recipe.init`, see `start_from_timm`, of the source, of `process_group`, and where
            TensorBoard is asked for and not installed.
        CompressError: the training diverged.
    """
    checkpoint, on = Checkpoint(out / "state.safetensors", save_every), pick_device(device)
    _check_older(out)
    for written in (out / "weights.safetensors", checkpoint.path):
        check_output(written, [recipe.init] if recipe.init else ())
    sizes, observers = pair_sizes(spec, recipe), _observers(out, tensorboard, progress)
    with process_group(on):
        torch.manual_seed(recipe.seed)
        model = _begun(spec, recipe, anew=not checkpoint.path.is_file()).to(on).train()
        trainer: Trainer[Tracker, TeacherBatch] = Trainer(
            model,
            lambda batch, step: _parts(model, batch, recipe.loss),
            partial(teacher_batches, source, sizes, recipe, workers, on),
            recipe.trainer(compute or ComputeSettings()),
            device=on,
            checkpoint=checkpoint,
            about={"teacher": spec.id, "data": source.fingerprint, "drawn": asdict(sizes.recipe), **asdict(recipe)},
            saved=lambda average, step: _save_weights(average, step, recipe, out),
            observers=observers,
        )
        return trainer.run()


def _begun(spec: TrackerSpec, recipe: TeacherRecipe, *, anew: bool) -> Tracker:
    """The network with its first weights; those of `recipe.init` are not read where a training is continued."""
    model = build(spec, drop_path=recipe.drop_path)
    if recipe.init and anew:
        model.load_state_dict(start_from_timm(spec, recipe.init).state_dict())
    return model


def _observers(out: Path, tensorboard: Path | None, progress: Progress) -> list[Observer]:
    written = [] if tensorboard is None else [TensorBoard(tensorboard)]
    return [TrainingLog(out / "log.csv"), TrainingLog(out / "pace.csv", pace), *written, displayed(progress)]


def _check_older(out: Path) -> None:
    old = out / "state.pt"
    if old.is_file():
        raise FileError(
            f"{old} is of a training by an older version, which cannot be continued. Remove it to train from the "
            "start, or give another --out. The weights beside it stay as good as they are."
        )


def _parts(model: Tracker, batch: TeacherBatch, weights: LossWeights) -> dict[str, Tensor]:
    template, search = to_input(batch.template), to_input(batch.search)
    online = None
    if batch.online is not None:
        crops = to_input(batch.online.flatten(0, 1))
        online = crops.view(*batch.online.shape[:2], *crops.shape[1:])
    with network_autocast(template.device):
        maps = model(template, search, online).maps
    return ground_truth_loss({name: values.float() for name, values in maps.items()}, batch.boxes, weights)


def _save_weights(model: Tracker, step: int, recipe: TeacherRecipe, out: Path) -> None:
    metadata = {"step": str(step), **{name: str(value) for name, value in asdict(recipe).items()}}
    save_weights(model, out / "weights.safetensors", metadata=metadata, dtype=torch.float16)
