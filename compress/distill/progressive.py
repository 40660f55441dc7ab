"""Progressive depth pruning (MixFormerV2, §3.2.2): layers fade out while the others learn to do without them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from compress.core import Attention, LayerSpec, TrackerSpec, UsageError
from compress.core.progress import Progress, no_progress, part
from compress.distill.batches import Batches
from compress.distill.checkpoint import Checkpoint
from compress.distill.recipe import StudentRecipe
from compress.distill.student import distill
from compress.models import Tracker, VitTracker
from compress.models.blocks import Block
from compress.surgery import Rank, inherit


def distill_progressively(
    teacher: Tracker,
    spec: TrackerSpec,
    pairs: Batches,
    recipe: StudentRecipe,
    *,
    fade_steps: int,
    steps: int,
    seed: int,
    device: torch.device,
    mlp_rank: Rank = "importance",
    calibration: tuple[Tensor, Tensor] | None = None,
    progress: Progress = no_progress,
    checkpoint: Checkpoint | None = None,
) -> Tracker:
    """A student of `spec`: `fade_steps` with the layers to be removed fading out, then `steps` without them.

    The student starts with all layers of the teacher, so it starts near it. Those that fade are frozen.

    Args:
        mlp_rank, calibration: See `inherit`.
        pairs, progress: As of `distill`.
        checkpoint: As of `distill`; another file beside it, named `fading-…`, is for the first steps.

    Raises:
        UsageError: a LeViT, or a tracker with bypass or exits, whose layers do not fade; else as `inherit`, `distill`.
    """
    removed = removed_layers(teacher.spec, spec)
    student = inherit(teacher, with_removed(teacher.spec, spec), mlp_rank=mlp_rank, calibration=calibration)
    share = fade_steps / (fade_steps + steps)
    with fading(cast(VitTracker, student), removed) as fade:
        student = distill(
            student,
            pairs,
            recipe,
            steps=fade_steps,
            seed=seed,
            device=device,
            progress=part(progress, 0, share, "layers fade out"),
            checkpoint=beside(checkpoint, "fading"),
            before=lambda step: fade(gamma(step, fade_steps)),
        )
    student, rest = inherit(student, spec), part(progress, share, 1)
    pairs = pairs.after(fade_steps)
    return distill(student, pairs, recipe, steps=steps, seed=seed, device=device, progress=rest, checkpoint=checkpoint)


def beside(checkpoint: Checkpoint | None, stage: str) -> Checkpoint | None:
    """Where an earlier stage of a training keeps its state: beside that of the last one."""
    return checkpoint and replace(checkpoint, path=checkpoint.path.with_name(f"{stage}-{checkpoint.path.name}"))


def gamma(epoch: int, epochs: int) -> float:
    """What is left of a fading layer: half a cosine from 1 down to 0 at epoch `epochs` − 1 and after.

    MixFormerV2 counts epochs from 1, so its first one has γ(1, 40) = 0.994. Here every step is an epoch, from 0 on.
    """
    return 0.5 * (1 + math.cos(math.pi * min(epoch + 1, epochs) / epochs))


def removed_layers(teacher: TrackerSpec, spec: TrackerSpec) -> list[int]:
    """The teacher's layers that a student does without."""
    return sorted(set(range(len(teacher.layers))) - {layer.source for layer in spec.layers})


def with_removed(teacher: TrackerSpec, spec: TrackerSpec) -> TrackerSpec:
    """The student with the layers it does without put back, as wide as the teacher's; they eliminate no tokens."""
    if len(spec.group_ends) > 1 or spec.bypass or spec.exits:
        raise UsageError("Only layers of one shape, without bypass and exits, can fade out; distil this one at once.")
    own = {layer.source: layer for layer in spec.layers}
    last = max((layer.source for layer in spec.layers if layer.attention != "AI"), default=-1)

    def back(i: int, layer: LayerSpec) -> LayerSpec:
        split: Attention = "FE" if i < last else "AI"
        attention = split if spec.attention == "split" else spec.layers[0].attention
        return replace(layer, source=i, attention=attention, keep=None)

    layers = tuple(own.get(i) or back(i, layer) for i, layer in enumerate(teacher.layers))
    return replace(spec, layers=layers)


@contextmanager
def fading(model: VitTracker, layers: Iterable[int]) -> Iterator[Callable[[float], None]]:
    """Within it both residual branches of some layers are multiplied by γ, and their weights are frozen.

    Gives the function that sets γ, which is 1 at first. At 0 a layer puts out what it takes in.
    """
    now = [1.0]
    blocks = [cast(Block, model.backbone.blocks[i]) for i in layers]

    # A plain function, so that copies of the model fade along.
    def scale(_module: nn.Module, _inputs: tuple[Any, ...], output: Tensor) -> Tensor:
        return output * now[0]

    hooks = [block.drop_path.register_forward_hook(scale) for block in blocks]
    for block in blocks:
        block.requires_grad_(False)
    try:
        yield lambda value: now.__setitem__(0, value)
    finally:
        for hook in hooks:
            hook.remove()
        for block in blocks:
            block.requires_grad_(True)
