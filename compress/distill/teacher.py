"""Training a teacher from scratch."""

from __future__ import annotations

import csv
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from compress.core import FileError, TrackerSpec
from compress.core.opening import read_bounded
from compress.core.outputs import check_output
from compress.core.progress import Progress, no_progress
from compress.core.writing import writing
from compress.data import DataSource, Pairs, PairSizes
from compress.data.worker import stream_pairs
from compress.distill.checkpoint import Checkpoint
from compress.distill.inputs import pick_device, to_input
from compress.distill.losses import ground_truth_loss
from compress.distill.teacher_recipe import TeacherRecipe
from compress.distill.trainer import Trainer, TrainerSettings
from compress.models import Tracker, build, save_weights
from compress.surgery import start_from_timm

_REPORTS = 400
"""Lines of the log, where there are as many steps."""

_MOST_LOG, _LONGEST_STEP = 4 << 20, 12
"""Bytes of a log, and digits of a step in it."""


class TeacherBatch(NamedTuple):
    """Pairs of one step: (B, S, S, 3) uint8 crops, and (B, 4) boxes cx, cy, w, h in shares of the search crop."""

    template: Tensor
    search: Tensor
    boxes: Tensor


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
) -> Tracker:
    """Train and return the averaged network; `out` holds weights and state of the last save, and a log.

    The pairs depend on the source and the seed alone, not on `workers`. A run that was stopped continues when called
    again, and comes out, on a CPU, as if it had not been.

    Args:
        source: Where pairs come from.
        workers: Processes that make pairs; 0 for this one.
        out: Folder for `weights.safetensors`, `state.safetensors`, `log.csv`.
        save_every: The most seconds between saves; see `Checkpoint`.
        progress: Called now and then with the mean of each loss part since.

    Raises:
        FileError: `out` holds the state of another training, or one of an older version.
        UsageError, FileError: of `recipe.init`, see `start_from_timm`, and of the source.
        CompressError: the training diverged.
    """
    checkpoint, on = Checkpoint(out / "state.safetensors", save_every), pick_device(device)
    _check_older(out)
    torch.manual_seed(recipe.seed)
    model = build(spec, drop_path=recipe.drop_path)
    for written in (out / "weights.safetensors", checkpoint.path):
        check_output(written, [recipe.init] if recipe.init else ())
    if recipe.init and not checkpoint.path.is_file():
        model.load_state_dict(start_from_timm(spec, recipe.init).state_dict())
    model = model.to(on).train()
    log = _Log(out / "log.csv", recipe.steps)
    trainer: Trainer[Tracker, TeacherBatch] = Trainer(
        model,
        lambda batch, step: _parts(model, batch),
        partial(_batches, source, spec, recipe, workers, on),
        _trainer_settings(recipe),
        device=on,
        checkpoint=checkpoint,
        about={"teacher": spec.id, "data": source.fingerprint, **asdict(recipe)},
        saved=lambda average, step: _save_weights(average, step, recipe, out),
        progress=log.beside(progress),
    )
    return trainer.run()


def _check_older(out: Path) -> None:
    old = out / "state.pt"
    if old.is_file():
        raise FileError(
            f"{old} is of a training by an older version, which cannot be continued. Remove it to train from the "
            "start, or give another --out. The weights beside it stay as good as they are."
        )


def _parts(model: Tracker, batch: TeacherBatch) -> dict[str, Tensor]:
    template, search = to_input(batch.template), to_input(batch.search)
    with torch.autocast(template.device.type, torch.bfloat16, enabled=template.is_cuda):
        maps = model(template, search).maps
    return ground_truth_loss({name: values.float() for name, values in maps.items()}, batch.boxes)


def _save_weights(model: Tracker, step: int, recipe: TeacherRecipe, out: Path) -> None:
    metadata = {"step": str(step), **{name: str(value) for name, value in asdict(recipe).items()}}
    save_weights(model, out / "weights.safetensors", metadata=metadata, dtype=torch.float16)


class _Log:
    """`log.csv`: a row of means for each report. What was logged after the step that is continued from is left out."""

    def __init__(self, path: Path, steps: int) -> None:
        self._path, self._steps = path, steps

    def beside(self, progress: Progress) -> Progress:
        """Reports to `progress`, too."""

        def noted(text: str, share: float, figures: Mapping[str, float] | None = None) -> None:
            self._add(round(share * self._steps), figures or {})
            progress(text, share, figures)

        return noted

    def _add(self, step: int, means: Mapping[str, float]) -> None:
        rows = [row for row in self._rows() if _is_step(row[0]) and int(row[0]) < step]
        with writing(self._path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(
                [["step", *means], *rows, [str(step), *(f"{value:.5f}" for value in means.values())]]
            )

    def _rows(self) -> list[list[str]]:
        """Those of an earlier run; none where what lies there is no log, which is no reason to stop a training."""
        try:
            text = read_bounded(self._path, "log of a training", _MOST_LOG).decode("utf-8")
            return [row for row in csv.reader(text.splitlines()) if row]
        except (FileError, ValueError, csv.Error):
            return []


def _is_step(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < _LONGEST_STEP


def _batches(
    source: DataSource, spec: TrackerSpec, recipe: TeacherRecipe, workers: int, device: torch.device, start: int
) -> Generator[TeacherBatch, None, None]:
    """From step `start` on."""
    generator = torch.Generator(device=device).manual_seed(recipe.seed)
    for step in range(start):
        if step % recipe.reuse:
            torch.rand(recipe.batch, generator=generator, device=device)
    first, sizes = start // recipe.reuse, PairSizes.of(spec)
    made = stream_pairs(source, recipe.seed, recipe.batch, workers=workers, sizes=sizes, start=first)
    with closing(made):
        step = first * recipe.reuse
        for pairs in made:
            template, search, boxes, scenes = (each.to(device) for each in _tensors(pairs))
            for turn in range(recipe.reuse):
                if step >= start:
                    order = _exchange(scenes, generator) if turn else None
                    yield TeacherBatch(template if order is None else template[order], search, boxes)
                step += 1


def _tensors(pairs: Pairs) -> tuple[Tensor, ...]:
    return tuple(torch.from_numpy(each) for each in (pairs.template, pairs.search, pairs.boxes, pairs.scenes))


def _exchange(scenes: Tensor, generator: torch.Generator) -> Tensor:
    """A random order of the batch that keeps every pair within its scene; `scenes` (B,) rises."""
    keys = scenes + torch.rand(len(scenes), generator=generator, device=scenes.device)
    return torch.argsort(keys)


def _trainer_settings(recipe: TeacherRecipe) -> TrainerSettings:
    every = max(1, recipe.steps // _REPORTS)
    return TrainerSettings(recipe.steps, recipe.lr, recipe.warmup, recipe.weight_decay, recipe.ema, every)
