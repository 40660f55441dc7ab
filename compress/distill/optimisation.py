"""AdamW, the schedule of its learning rate, and averaged weights, for every training here."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel

from compress.distill.trainer_settings import Decay, TrainerSettings


def optimiser(
    model: nn.Module,
    lr: float,
    weight_decay: float,
    *,
    scale: Callable[[str], float] = lambda name: 1.0,
    decayed: Decay = "matrices",
    beta2: float = 0.98,
) -> torch.optim.AdamW:
    """AdamW; vectors (gains and biases) and position embeddings are not decayed, unless all parameters are.

    Args:
        scale: Of a parameter's learning rate over `lr`, by the parameter's name.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        spared = decayed == "matrices" and (parameter.ndim < 2 or "pos_embed" in name)
        decay = 0.0 if spared else weight_decay
        groups.setdefault((decay, scale(name)), []).append(parameter)
    found = [
        {"params": parameters, "weight_decay": decay, "lr": lr * scaled, "initial_lr": lr * scaled}
        for (decay, scaled), parameters in groups.items()
    ]
    # On a CPU one kernel for all of a parameter's arithmetic takes a third of the time.
    fused = {parameter.device.type for parameter in model.parameters()} in ({"cpu"}, {"cuda"})
    return torch.optim.AdamW(found, lr=lr, betas=(0.9, beta2), fused=fused or None)


def scheduled(descent: torch.optim.AdamW, settings: TrainerSettings, *, start: int = 0) -> LambdaLR:
    """The schedule that the settings name; arguments and what is set at once as of `warmup_cosine`."""
    if settings.schedule == "cosine":
        return warmup_cosine(descent, settings.steps, settings.warmup, start=start)
    return warmup_step(descent, settings.drop, settings.warmup, start=start)


def warmup_step(descent: torch.optim.AdamW, drop: int, warmup: int, *, start: int = 0) -> LambdaLR:
    """Linear warm-up to the peak over `warmup` steps, which is kept, and a tenth of it from step `drop` on.

    The published codes of OSTrack, LiteTrack, MixFormerV2 and HiT do so, by epochs and without a warm-up.
    """

    def factor(step: int) -> float:
        return (step + 1) / warmup if step < warmup else 1.0 if step < drop else 0.1

    return LambdaLR(descent, factor, last_epoch=start - 1)


def warmup_cosine(descent: torch.optim.AdamW, steps: int, warmup: int, *, start: int = 0) -> LambdaLR:
    """Linear warm-up to the peak over `warmup` steps, then half a cosine to 1% of it at step `steps`.

    Args:
        descent: Its groups have their peaks as `initial_lr`; see `optimiser`.
        start: The next step, counted from 0; its rates are set at once.
    """

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        share = (step - warmup) / max(1, steps - warmup)
        return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))

    return LambdaLR(descent, factor, last_epoch=start - 1)


def averaged(model: nn.Module, decay: float) -> AveragedModel:
    """Exponential moving average of a model's weights, in eval mode; buffers (batch statistics) are copied as they are.

    It begins with the weights that the model has. Update n takes min(decay, n / (n + 10)) of the average as it was:
    early on it is shorter, so that the start is forgotten.
    """

    def average(averages: list[Tensor], values: list[Tensor], count: Tensor | int) -> None:
        n = int(count)
        torch._foreach_lerp_(averages, values, 1 - min(decay, n / (n + 10)))

    found = AveragedModel(model, multi_avg_fn=average).eval().requires_grad_(False)  # type: ignore[arg-type]
    found.update_parameters(model)
    return found


def keep_statistics(model: nn.Module) -> None:
    """Let a backbone's batch norms, in train mode, go on with the statistics that they have; a head's follow its batch.

    A LeViT's come with weights trained on large batches, and its stem sees template and search crop one after the
    other: batch statistics would make another network of it than the one that will run.
    """
    for name, module in model.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and of_backbone(name):
            module.eval()


def of_backbone(name: str) -> bool:
    """Whether a module of a tracker, by its name, lies before the heads."""
    return name.startswith(("backbone.", "bridge."))
