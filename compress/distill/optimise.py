"""What every training loop here shares: device, crops to tensors, schedule, averaged weights."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from compress.core import UsageError
from compress.geometry.crop import MEAN, STD

_Model = TypeVar("_Model", bound=nn.Module)


def pick_device(device: str) -> torch.device:
    """The torch device for `auto`, `cpu` or `cuda`.

    Raises:
        UsageError: `cuda` is asked for and torch sees none.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda was asked for but torch sees no CUDA device here; use --device cpu or auto.")
    return torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")


def to_input(crops: Tensor) -> Tensor:
    """(B, S, S, 3) uint8 RGB crops to the network's (B, 3, S, S) normalised float32, on their own device."""
    mean = torch.tensor(MEAN, device=crops.device)
    std = torch.tensor(STD, device=crops.device)
    return ((crops.float() / 255 - mean) / std).permute(0, 3, 1, 2).contiguous()


def learning_rate(step: int, steps: int, peak: float, warmup: int) -> float:
    """Linear warm-up to `peak`, then half a cosine to 1% of it at the last step."""
    if step < warmup:
        return peak * (step + 1) / warmup
    share = (step - warmup) / max(1, steps - warmup)
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, share))))


def optimiser(
    model: nn.Module, lr: float, weight_decay: float, *, new: Callable[[str], bool] | None = None, scale: float = 1.0
) -> torch.optim.AdamW:
    """AdamW; vectors (gains and biases) and position embeddings are not decayed.

    Args:
        new: Which parameters, by name, learn at `scale` times the rate of the others; see `set_learning_rate`.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        decay = 0.0 if parameter.ndim < 2 or "pos_embed" in name else weight_decay
        groups.setdefault((decay, scale if new is not None and new(name) else 1.0), []).append(parameter)
    found = [{"params": p, "weight_decay": decay, "scale": s} for (decay, s), p in groups.items()]
    descent = torch.optim.AdamW(found, lr=lr, betas=(0.9, 0.98))
    set_learning_rate(descent, lr)
    return descent


def set_learning_rate(descent: torch.optim.AdamW, lr: float) -> None:
    """Of an `optimiser`: `lr` times the scale of each group."""
    for group in descent.param_groups:
        group["lr"] = lr * group["scale"]


def keep_statistics(model: nn.Module) -> None:
    """Let a backbone's batch norms, in train mode, go on with the statistics that they have; a head's follow its batch.

    A LeViT's come with weights trained on large batches, and its stem sees template and search crop one after the
    other: batch statistics would make another network of it than the one that will run.
    """
    for name, module in model.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and name.startswith(("backbone.", "bridge.")):
            module.eval()


class AveragedWeights(Generic[_Model]):
    """Exponential moving average of a model's weights; buffers (batch statistics) are copied as they are."""

    def __init__(self, model: _Model, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self._decay = decay
        self.count = 0

    @torch.no_grad()
    def update(self, model: _Model) -> None:
        """Take one step toward `model`; early on the average is shorter, so that the start is forgotten."""
        self.count += 1
        decay = min(self._decay, self.count / (self.count + 10))
        averages: list[Tensor] = list(self.model.parameters())
        values: list[Tensor] = list(model.parameters())
        torch._foreach_lerp_(averages, values, 1 - decay)
        for average, value in zip(self.model.buffers(), model.buffers(), strict=True):
            average.copy_(value)
