"""Training recipes: `recipes/*.yaml`, or a file of the user's. Read without torch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path

from compress.core import unknown_name
from compress.core.files import shipped
from compress.core.plain_files import load_plain
from compress.core.ranges import BATCH, CLIP, DECAY, LEARNING_RATE, STEPS, WEIGHT, WEIGHT_DECAY, NumberRange
from compress.distill.procedure import StudentProcedure
from compress.distill.trainer_settings import (
    REPORTS,
    ComputeSettings,
    Decay,
    LossWeights,
    Schedule,
    TrainerSettings,
)

_MOST_BYTES = 64 * 1024
_ADVICE = "See docs/training.md for what a recipe holds; YAML takes 1e-4 for a text, 1.0e-4 for a number."

DISTILLATION = (
    "score",
    "box",
    "distribution",
    "presence",
    "feature",
    "feature_raw",
    "sparsity",
    "iou",
    "self_imitation",
    "early",
    "new",
)
"""What of `StudentRecipe` a file may set beside the schedule."""

_EPOCHS = NumberRange(1, 1_000_000, whole=True)
_PAIRS = NumberRange(1, 1_000_000_000, whole=True)
_RANGES = {
    "batch": BATCH,
    "lr": LEARNING_RATE,
    "backbone_lr": WEIGHT,
    "weight_decay": WEIGHT_DECAY,
    "beta2": DECAY,
    "clip": CLIP,
    "ema": DECAY,
    "drop_path": DECAY,
}
_OF_SCHEDULE = (
    "backbone_lr",
    "schedule",
    "drop_epoch",
    "warmup_epochs",
    "weight_decay",
    "decay",
    "beta2",
    "clip",
    "ema",
    "drop_path",
)
"""Fields that say nothing where there is no schedule."""


@dataclass(frozen=True)
class Recipe:
    """A schedule as papers state it, in epochs, with the optimiser and the loss that go with it; of students more.

    Attributes:
        description: What it is, and where its figures are from.
        epochs, pairs_per_epoch: Its length. Without them it has no schedule, and is for students alone: theirs is then
            the project's own, half a cosine over each training.
        batch: Pairs of a step over all devices.
        pairs: How they are drawn and varied, by a name in `compress.data.pairs.PAIR_RECIPES`.
        lr, backbone_lr: Learning rate, and that of the backbone over it.
        drop_epoch: Epochs at the whole rate, after which the step schedule takes a tenth of it.
        loss: Weights of the ground truth, see `LossWeights`.
        distillation: Weights of further parts where a student is distilled, by their names in `StudentRecipe`.
        student: How a student gets from the teacher's weights to its own.
    """

    description: str
    epochs: int = 0
    pairs_per_epoch: int = 0
    batch: int = 32
    lr: float = 5e-4
    pairs: str = "default"
    backbone_lr: float = 1.0
    schedule: Schedule = "step"
    drop_epoch: int = 0
    warmup_epochs: int = 0
    weight_decay: float = 1e-4
    decay: Decay = "all"
    beta2: float = 0.999
    clip: float = 0.1
    ema: float = 0.0
    drop_path: float = 0.0
    loss: LossWeights = LossWeights()
    distillation: dict[str, float] = field(default_factory=dict)
    student: StudentProcedure = StudentProcedure()

    def problems(self) -> list[str]:
        """What cannot be, one sentence each that begins with the field; fields that could not be read are left out."""
        found = [
            f"{name} must be {numbers} but is {getattr(self, name)}"
            for name, numbers in _RANGES.items()
            if hasattr(self, name) and getattr(self, name) not in numbers
        ]
        return found or [*self._schedule_problems(), *self._distillation_problems()]

    @property
    def steps(self) -> int:
        """Of the whole published training; what an epoch leaves over is dropped, as the published loaders do."""
        return self.epochs * max(1, self.pairs_per_epoch // self.batch)

    def trainer(
        self, steps: int | None = None, *, compute: ComputeSettings | None = None, reports: int = REPORTS
    ) -> TrainerSettings:
        """How a training of `steps` goes, all of the published ones where None; warm-up and drop keep their shares."""
        count = self.steps if steps is None else steps
        return TrainerSettings(
            steps=count,
            lr=self.lr,
            warmup=round(count * self.warmup_epochs / self.epochs),
            weight_decay=self.weight_decay,
            ema=self.ema,
            report_every=max(1, count // reports),
            schedule=self.schedule,
            drop=round(count * self.drop_share),
            clip=self.clip,
            backbone_lr=self.backbone_lr,
            beta2=self.beta2,
            decay=self.decay,
            compute=compute or ComputeSettings(),
        )

    @property
    def drop_share(self) -> float:
        """The share of the training at the whole rate."""
        return self.drop_epoch / self.epochs if self.drop_epoch else 1.0

    def _schedule_problems(self) -> Iterator[str]:
        if not (getattr(self, "epochs", 1) or getattr(self, "pairs_per_epoch", 1)):
            stated = {f.name: f.default for f in fields(self) if f.name in _OF_SCHEDULE}
            for name in (name for name, default in stated.items() if getattr(self, name, default) != default):
                yield f"{name} belongs to a schedule; give epochs and pairs_per_epoch, too"
            return
        for name, numbers in (("epochs", _EPOCHS), ("pairs_per_epoch", _PAIRS)):
            if hasattr(self, name) and getattr(self, name) not in numbers:
                yield f"{name} must be {numbers} but is {getattr(self, name)}"
                return
        for name in ("drop_epoch", "warmup_epochs"):
            if not 0 <= getattr(self, name, 0) <= getattr(self, "epochs", 0):
                yield f"{name} must be a whole number from 0 to epochs but is {getattr(self, name)}"
        complete = all(hasattr(self, name) for name in ("epochs", "pairs_per_epoch", "batch"))
        if complete and self.steps not in STEPS:
            yield f"epochs of {self.pairs_per_epoch} pairs make {self.steps} steps, but these must be {STEPS}"

    def _distillation_problems(self) -> Iterator[str]:
        for name, value in getattr(self, "distillation", {}).items():
            if name not in DISTILLATION:
                yield f"distillation has the unknown part {name!r}; it may hold {', '.join(DISTILLATION)}"
            elif value not in WEIGHT:
                yield f"distillation.{name} must be {WEIGHT} but is {value}"


def recipe_names() -> list[str]:
    """Names of the recipes that ship."""
    return sorted(_shipped())


def is_recipe_file(text: str) -> bool:
    """Whether a recipe is given by its path rather than by a shipped one's name."""
    return "/" in text or os.sep in text or text.endswith((".yaml", ".yml"))


def load_recipe(name_or_path: str | os.PathLike[str]) -> Recipe:
    """A shipped recipe by its name, or a file's by its path (anything with a slash or ending in .yaml).

    Raises:
        UsageError: unknown name, with close matches.
        FileError: the file is missing, too large, or wrong; every mistake is named.
    """
    text, known = os.fspath(name_or_path), _shipped()
    if isinstance(name_or_path, os.PathLike) or is_recipe_file(text):
        path = Path(text)
    elif text in known:
        path = known[text]
    else:
        raise unknown_name("recipe", text, known)
    return load_plain(Recipe, path, "training recipe", where="recipe", most=_MOST_BYTES, advice=_ADVICE, syntax="yaml")


def _shipped() -> dict[str, Path]:
    return {path.stem: path for path in shipped("recipes").glob("*.yaml")}
