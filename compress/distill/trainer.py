"""The one training loop, under teachers and students alike. It knows nothing of what it minimises."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from math import inf
from typing import Any, Generic, Protocol, TypeVar, cast

import torch
from torch import Tensor, nn

from compress.core import CompressError, FileError
from compress.core.interrupts import deferred_interrupts
from compress.core.progress import Progress, no_progress
from compress.distill.checkpoint import Checkpoint, SaveTimes
from compress.distill.optimisation import averaged, optimiser, warmup_cosine
from compress.distill.training_state import TrainingState

_Model = TypeVar("_Model", bound=nn.Module)
_Batch = TypeVar("_Batch")
_AnyBatch = TypeVar("_AnyBatch", contravariant=True)

CLIP = 1.0
"""The norm that gradients are clipped to."""


class Objective(Protocol[_AnyBatch]):
    """What is minimised."""

    def __call__(self, batch: _AnyBatch, step: int) -> dict[str, Tensor]:
        """`loss`, which is minimised, and its parts, of a batch at a step counted from 0."""


@dataclass(frozen=True)
class TrainerSettings:
    """How a training goes.

    Attributes:
        lr, warmup: Peak learning rate of AdamW and the steps of linear warm-up; a half cosine follows.
        ema: Decay of the averaged weights, which are what is kept.
        report_every: Steps between reports of progress; the last step is reported, too.
    """

    steps: int
    lr: float
    warmup: int
    weight_decay: float
    ema: float
    report_every: int


class Trainer(Generic[_Model, _Batch]):
    """Trains a model, and says when it diverges; a stopped run continues exactly where it was saved.

    Args:
        model: In the mode that it is trained in, on `device`.
        batches: Gives the batches from a step on, the same ones whatever step that is.
        beside: Trained with the model and then no longer needed.
        scale: Of a parameter's learning rate, by its name.
        checkpoint: Where the state is kept; nowhere when None.
        about: What beside `settings` the training depends on, as plain data: only a run with the same continues it.
        before: Called with each step, counted from 0, before it.
        saved: Called with the averaged model and the steps done, before each save of the state.
        progress: Gets the mean of each loss part since the last report. A stage with other parts is reported apart.
    """

    def __init__(
        self,
        model: _Model,
        objective: Objective[_Batch],
        batches: Callable[[int], Generator[_Batch, None, None]],
        settings: TrainerSettings,
        *,
        device: torch.device,
        beside: nn.Module | None = None,
        scale: Callable[[str], float] = lambda name: 1.0,
        checkpoint: Checkpoint | None = None,
        about: Mapping[str, Any] | None = None,
        before: Callable[[int], None] = lambda step: None,
        saved: Callable[[_Model, int], None] = lambda model, step: None,
        progress: Progress = no_progress,
    ) -> None:
        self._model, self._objective, self._batches, self._settings = model, objective, batches, settings
        self._checkpoint, self._before, self._saved = checkpoint, before, saved
        self._about = {**vars(settings), **(about or {})}
        self._trained = nn.ModuleList([model] if beside is None else [model, beside])
        self._average = averaged(model, settings.ema)
        self._descent = optimiser(self._trained, settings.lr, settings.weight_decay, scale=scale)
        self._means = _Means(progress, settings)
        self._state = TrainingState(self._trained, self._average, self._descent, device)
        self._times = SaveTimes(inf if checkpoint is None else checkpoint.every_s)
        self._step, self._saved_step = 0, -1

    def run(self) -> _Model:
        """Train to the end, from the checkpoint where there is one; the averaged model, in eval mode.

        Ctrl-C and SIGTERM wait until the step under way is done and saved; a second one does not.

        Raises:
            CompressError: the loss, one of its parts or the gradient is not finite; nothing of that step is saved.
            FileError: the checkpoint is damaged or belongs to another training.
        """
        self._resume()
        settings = self._settings
        schedule = warmup_cosine(self._descent, settings.steps, settings.warmup, start=self._step)
        with closing(self._batches(self._step)) as batches:
            while self._step < settings.steps:
                with deferred_interrupts() as interrupts:
                    self._before(self._step)
                    parts = self._objective(next(batches), self._step)
                    self._descend(parts)
                    schedule.step()
                    self._average.update_parameters(self._model)
                    self._step += 1
                    self._means.add(self._step, parts)
                    if interrupts.requested or self._times.due:
                        self._save()
        self._save()
        return cast(_Model, self._average.module)

    def _descend(self, parts: Mapping[str, Tensor]) -> None:
        """One step of the optimiser, refused before it changes anything where a number is not finite."""
        self._descent.zero_grad(set_to_none=True)
        torch.autograd.backward(parts["loss"])
        norm = torch.nn.utils.clip_grad_norm_(self._trained.parameters(), CLIP)
        figures = {name: value.detach() for name, value in parts.items()} | {"gradient": norm}
        if not bool(torch.stack([value.float() for value in figures.values()]).isfinite().all()):
            bad = ", ".join(f"{name} is {float(each)}" for name, each in figures.items() if not each.isfinite())
            raise CompressError(
                f"Training diverged at step {self._step + 1} of {self._settings.steps}: {bad}. Nothing of this step "
                "was kept. Lower the learning rate and train again from the start."
            )
        self._descent.step()

    def _resume(self) -> None:
        if self._checkpoint is None or not self._checkpoint.path.exists():
            return
        try:
            self._step = self._saved_step = self._state.load(self._checkpoint.path, self._about)
        except FileError:
            if not self._checkpoint.anew:
                raise

    def _save(self) -> None:
        if self._checkpoint is not None and self._saved_step != self._step:
            with self._times.saving():
                self._saved(cast(_Model, self._average.module), self._step)
                self._state.save(self._checkpoint.path, self._step, self._about)
            self._saved_step = self._step


class _Means:
    """Means of the loss parts since the last report."""

    def __init__(self, progress: Progress, settings: TrainerSettings) -> None:
        self._progress, self._settings, self._step = progress, settings, 0
        self._sums: dict[str, Tensor] = {}
        self._count = 0

    def add(self, step: int, parts: Mapping[str, Tensor]) -> None:
        """Parts of a step, counted from 1."""
        if self._count and parts.keys() != self._sums.keys():
            self._report()
        self._sums = {name: value.detach() + self._sums.get(name, 0.0) for name, value in parts.items()}
        self._step, self._count = step, self._count + 1
        if self._count >= self._settings.report_every or step == self._settings.steps:
            self._report()

    def _report(self) -> None:
        means = {name: float(value) / self._count for name, value in self._sums.items()}
        self._sums, self._count = {}, 0
        steps = self._settings.steps
        self._progress(f"step {self._step} of {steps}", self._step / steps, means)
