"""Importance of units: activations observed in a teacher, and which units to keep."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from compress.core import ExecutionPath
from compress.models import Tracker


@dataclass
class InputStatistics:
    """The input of one linear layer over all tokens observed: sums per dimension (D,) in float64, and their number.

    Attributes:
        importance: (D,), what the inputs are ranked by whatever the weights become; None where they are ranked by
            magnitude and the weights that there are.
    """

    total: Tensor | float = 0.0
    total_magnitude: Tensor | float = 0.0
    tokens: int = 0
    importance: Tensor | None = None

    def add(self, x: Tensor) -> None:
        """Add inputs (…, D)."""
        flat = x.detach().flatten(0, -2).double()
        self.total = self.total + flat.sum(0)
        self.total_magnitude = self.total_magnitude + flat.abs().sum(0)
        self.tokens += len(flat)

    @property
    def mean(self) -> Tensor:
        """Mean values (D,)."""
        return torch.as_tensor(self.total / self.tokens).float()

    @property
    def magnitude(self) -> Tensor:
        """Mean of the absolute values."""
        return torch.as_tensor(self.total_magnitude / self.tokens).float()


@torch.no_grad()
def observe(teacher: Tracker, template: Tensor, search: Tensor) -> dict[str, InputStatistics]:
    """Run crops through the teacher in eval mode; what its backbone's linear layers took in, by module name.

    All layers see all crops: none is skipped, no crop leaves early.
    """
    linears = {k: m for k, m in teacher.get_submodule("backbone").named_modules() if isinstance(m, nn.Linear)}
    observed = {name: InputStatistics() for name in linears}
    hooks = [module.register_forward_pre_hook(partial(_note, observed[name])) for name, module in linears.items()]
    training = teacher.training
    try:
        teacher.eval()(template, search, every_exit=True, forced_path=ExecutionPath(skipped=frozenset()))
    finally:
        teacher.train(training)
        for hook in hooks:
            hook.remove()
    return observed


def top(scores: Tensor, keep: int) -> Tensor:
    """Indices of the `keep` highest scores, rising; of equal scores the first are kept."""
    return scores.argsort(descending=True, stable=True)[:keep].sort().values


def top_per_head(scores: Tensor, keep: int, heads: int) -> Tensor:
    """As `top`, the same number in every head; `scores` (heads · width,) head by head."""
    by_head = scores.unflatten(0, (heads, -1))  # type: ignore[no-untyped-call]
    first = torch.arange(heads, device=scores.device) * by_head.shape[1]
    return torch.cat([top(row, keep // heads) + start for row, start in zip(by_head, first, strict=True)])


def top_heads(scores: Tensor, keep: int, heads: int) -> Tensor:
    """Of `heads` heads the `keep` whose dimensions have the highest scores in all; `scores` (heads · width,)."""
    by_head: Tensor = scores.unflatten(0, (heads, -1))  # type: ignore[no-untyped-call]
    return top(by_head.sum(dim=1), keep)


def _note(observed: InputStatistics, _module: nn.Module, inputs: tuple[Any, ...]) -> None:
    observed.add(inputs[0])
