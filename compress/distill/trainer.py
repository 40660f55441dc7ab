"""The one training loop, under teachers and students alike. It knows nothing of what it minimises."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict
from math import inf
from typing import Any, Generic, TypeVar, cast

import torch
from torch import Tensor, nn

from compress.core import FileError
from compress.core.interrupts import Terminated, deferred_interrupts
from compress.core.progress import Progress, no_progress
from compress.distill.batch_shares import rows_of
from compress.distill.batches import Batch
from compress.distill.checkpoint import Checkpoint, Reached, SaveTimes
from compress.distill.compute import computing, lay_out
from compress.distill.descent import Descent, Objective
from compress.distill.optimisation import averaged
from compress.distill.parallel import Ranks
from compress.distill.reports import Observer, Pace, Report, Sums
from compress.distill.trainer_settings import TrainerSettings
from compress.distill.training_state import TrainingState

__all__ = ["Objective", "Trainer", "TrainerSettings"]

_Model = TypeVar("_Model", bound=nn.Module)
_Batch = TypeVar("_Batch")


class Trainer(Generic[_Model, _Batch]):
    """Trains a model, and says when it diverges; a stopped run continues exactly where it was saved.

    In a process group (see `process_group`) each process is given its share of every batch, gradients are averaged, and
    the first process alone saves and reports.

    Args:
        model: In the mode that it is trained in, on `device`.
        batches: Gives the batches from a step on, the same ones whatever step that is; of each, this process's share
            (see `Ranks.part`), which it makes or cuts out itself.
        beside: Trained with the model and then no longer needed.
        scale: Of a parameter's learning rate, by its name.
        checkpoint: Where the state is kept; nowhere when None.
        about: What beside `settings` the training depends on, as plain data: only a run with the same continues it.
        before: Called with each step, counted from 0, before it.
        saved: Called with the averaged model and the steps done, before each save of the state.
        progress: Gets the mean of each loss part since the last report. A stage with other parts is reported apart.
        observers: Get whole reports at the same steps, before `progress` does.
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
        observers: Sequence[Observer] = (),
    ) -> None:
        self._model, self._batches, self._settings, self._device = model, batches, settings, device
        self._checkpoint, self._before, self._saved = checkpoint, before, saved
        self._observers = [*observers, _shown(progress)]
        self._about = {**asdict(settings), **(about or {})}
        self._trained = nn.ModuleList([model] if beside is None else [model, beside])
        # A copy of the model as it is, so it comes before everything that training alone needs.
        self._average = averaged(model, settings.ema)
        lay_out(self._trained, settings.compute, device)
        self._descent = Descent(self._trained, objective, settings, device, scale)
        self._state = TrainingState(self._trained, self._average, self._descent.adamw, device, self._descent.scaler)
        self._sums, self._pace = Sums(), Pace()
        self._times = SaveTimes(inf if checkpoint is None else checkpoint.every_s)
        self._step, self._saved_step = 0, -1
        self._ranks, self._seed = Ranks.current(), torch.initial_seed()

    def run(self) -> _Model:
        """Train to the end, from the checkpoint where there is one; the averaged model, in eval mode.

        Ctrl-C and SIGTERM wait until the step under way is done and saved; a second one does not.

        Raises:
            CompressError: the loss, one of its parts or the gradient is not finite; nothing of that step is saved.
            FileError: the checkpoint is damaged or belongs to another training.
            UsageError: a batch does not split into as many equal parts as there are processes and accumulated parts.
        """
        self._resume()
        with ExitStack() as stack:
            stack.enter_context(computing(self._model, self._settings.compute, self._device))
            stack.enter_context(self._descent.beginning(self._step))
            batches = stack.enter_context(closing(self._batches(self._step)))
            self._pace = Pace()
            while self._step < self._settings.steps:
                self._one_step(batches)
        self._save()
        return cast(_Model, self._average.module)

    def _one_step(self, batches: Generator[_Batch, None, None]) -> None:
        with deferred_interrupts() as interrupts:
            self._before(self._step)
            with self._pace.waiting():
                batch = next(batches)
            self._pace.add(rows_of(batch) * self._ranks.count, batch.teacher_s if isinstance(batch, Batch) else 0.0)
            self._ranks.seed(self._step, self._seed)
            parts = self._descent(batch, self._step)
            self._average.update_parameters(self._model)
            self._step += 1
            self._note(parts)
            stop = self._ranks.any(interrupts.requested, self._device)
            if stop or self._times.due:
                self._save()
        if stop and self._ranks.count > 1:  # another process was interrupted
            raise Terminated(signal.SIGTERM)

    def _note(self, parts: Mapping[str, Tensor]) -> None:
        """Sum up the parts of a step, and report where it is time."""
        if self._sums.count and parts.keys() != self._sums.parts.keys():
            self._report(self._step - 1)
        self._sums.add(parts)
        if self._sums.count >= self._settings.report_every or self._step == self._settings.steps:
            self._report(self._step)

    def _report(self, step: int) -> None:
        means, pace = self._sums.means(), self._pace.since()
        if self._ranks.first:
            report = Report(step, self._settings.steps, means, self._descent.lr, *pace)
            for observe in self._observers:
                observe(report)

    def _resume(self) -> None:
        if self._checkpoint is None or not self._checkpoint.path.exists():
            return
        try:
            reached = self._state.load(self._checkpoint.path, self._about)
        except FileError:
            if not self._checkpoint.anew:
                raise
            return
        self._step = self._saved_step = reached.step
        self._sums = Sums({name: torch.tensor(value) for name, value in reached.sums.items()}, reached.count)
        self._sums.parts = {name: value.to(self._device) for name, value in self._sums.parts.items()}

    def _save(self) -> None:
        if self._checkpoint is not None and self._saved_step != self._step and self._ranks.first:
            with self._times.saving():
                self._saved(cast(_Model, self._average.module), self._step)
                sums = {name: float(value) for name, value in self._sums.parts.items()}
                self._state.save(self._checkpoint.path, Reached(self._step, self._sums.count, sums), self._about)
            self._saved_step = self._step


def _shown(progress: Progress) -> Observer:
    """Without the pace, which is no two times the same: what is logged of a search stays comparable."""
    return lambda report: progress(f"step {report.step} of {report.steps}", report.step / report.steps, report.means)
