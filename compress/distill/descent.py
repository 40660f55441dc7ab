"""One step of a training: gradients of a batch, over all its parts and processes, checked before they are applied."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from inspect import signature
from math import inf
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from compress.core import CompressError
from compress.distill.batch_shares import share_of
from compress.distill.compute import loss_scaler
from compress.distill.optimisation import optimiser, scheduled
from compress.distill.parallel import Ranks, synced_batch_norms
from compress.distill.reports import Sums
from compress.distill.trainer_settings import TrainerSettings

_AnyBatch = TypeVar("_AnyBatch", contravariant=True)

_LEAST_SCALE = 1.0
"""Of the loss under fp16: gradients that are not finite are no fault of the scale any more."""


class Objective(Protocol[_AnyBatch]):
    """What is minimised."""

    def __call__(self, batch: _AnyBatch, step: int) -> dict[str, Tensor]:
        """`loss`, which is minimised, and its parts, of a batch at a step counted from 0; means over the batch."""


class Descent:
    """AdamW with its schedule, on the gradients of an objective.

    Attributes:
        adamw: The optimiser.
        scaler: Of the loss, where the network computes in fp16.

    Args:
        trained: The model, and what is trained beside it.
        scale: Of a parameter's learning rate, by its name in `trained`.
    """

    def __init__(
        self,
        trained: nn.ModuleList,
        objective: Objective[Any],
        settings: TrainerSettings,
        device: torch.device,
        scale: Callable[[str], float],
    ) -> None:
        self._trained, self._settings, self._ranks = trained, settings, Ranks.current()
        self._network: nn.Module = _Step(trained, objective)
        self.adamw = optimiser(
            trained,
            settings.lr,
            settings.weight_decay,
            scale=lambda name: scale(name) * (settings.backbone_lr if name.startswith("0.backbone.") else 1.0),
            decayed=settings.decay,
            beta2=settings.beta2,
        )
        self.scaler = loss_scaler(settings.compute.precision, device)
        self._schedule: LRScheduler | None = None

    @property
    def lr(self) -> float:
        """Learning rate of the next step, the highest of all parameters'."""
        return max(float(group["lr"]) for group in self.adamw.param_groups)

    @contextmanager
    def beginning(self, step: int) -> Iterator[None]:
        """Steps from `step` on, counted from 0, are done within it, with the other processes, where there are any."""
        self._schedule = scheduled(self.adamw, self._settings, start=step)
        if self._ranks.count == 1:
            yield
            return
        with synced_batch_norms(self._trained):
            self._network = _shared(self._network)
            yield

    def __call__(self, batch: Any, step: int) -> dict[str, Tensor]:
        """Do step number `step`, counted from 0, on this process's share of a batch, as large as that of every other.

        Returns:
            The means of the loss and its parts.

        Raises:
            CompressError: one of them, or the gradient, is not finite; nothing was changed.
            UsageError: the share does not split into equal parts to accumulate.
        """
        self.adamw.zero_grad(set_to_none=True)
        parts = self._gradients(batch, step)
        self.scaler.unscale_(self.adamw)
        norm = nn.utils.clip_grad_norm_(self._trained.parameters(), self._settings.clip or inf)
        self._check(parts, norm, step)
        self.scaler.step(self.adamw)
        self.scaler.update()
        self._next_rate()
        return parts

    def _gradients(self, batch: Any, step: int) -> dict[str, Tensor]:
        count, found = self._settings.compute.accumulate, Sums()
        for i in range(count):
            # Gradients are averaged over processes once, with the last part.
            self._network.require_backward_grad_sync = i == count - 1  # type: ignore[assignment]
            parts = self._network(share_of(batch, i, count), step)
            torch.autograd.backward(self.scaler.scale(parts["loss"] / count))
            found.add(parts)
        means = self._ranks.mean(torch.stack([each / count for each in found.parts.values()]))
        return dict(zip(found.parts, means, strict=True))

    def _check(self, parts: Mapping[str, Tensor], norm: Tensor, step: int) -> None:
        figures = {**parts, "gradient": norm}
        if bool(torch.stack([value.float() for value in figures.values()]).isfinite().all()):
            return
        bad = [name for name, each in figures.items() if not each.isfinite()]
        if bad == ["gradient"] and self.scaler.is_enabled() and self.scaler.get_scale() > _LEAST_SCALE:
            return  # the scaler leaves out this step, and lowers the scale
        raise CompressError(
            f"Training diverged at step {step + 1} of {self._settings.steps}: "
            f"{', '.join(f'{name} is {float(figures[name])}' for name in bad)}. Nothing of this step "
            "was kept. Lower the learning rate and train again from the start."
        )

    def _next_rate(self) -> None:
        assert self._schedule is not None, "begin first"
        if not self.scaler.is_enabled():
            self._schedule.step()
            return
        with warnings.catch_warnings():
            # The schedule takes a first step that the scaler left out for none.
            warnings.filterwarnings("ignore", message="Detected call of `lr_scheduler.step")
            self._schedule.step()


def _shared(network: nn.Module) -> nn.Module:
    """A network whose gradients are averaged over all processes."""
    shared = nn.parallel.DistributedDataParallel
    # Statistics of batch norms are synced already. PyTorch has renamed the option that leaves buffers alone.
    names = ("forward_sync_buffers", "broadcast_buffers")
    options: dict[str, Any] = {next(name for name in names if name in signature(shared.__init__).parameters): False}
    # Decisions leave some parameters out of some steps.
    return shared(network, find_unused_parameters=True, **options)


class _Step(nn.Module):
    """An objective as a module with what it trains, so that processes can share its gradients."""

    def __init__(self, trained: nn.Module, objective: Objective[Any]) -> None:
        super().__init__()
        self.trained, self._objective = trained, objective

    def forward(self, batch: Any, step: int) -> dict[str, Tensor]:
        parts = self._objective(batch, step)
        return {name: value if name == "loss" else value.detach() for name, value in parts.items()}
