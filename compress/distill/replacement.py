"""Replacement training (CompressTracker): stages of the student stand in for the teacher's at random.

Each layer of the student is a stage: it stands for the teacher's layers from its own source up to the next one's. At
every step each stage is the student's with a probability that rises from 0.5 to 1, and the frozen teacher's otherwise,
so that every layer of the student learns to read what the teacher's layers hand over, and to hand over what they read.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from compress.core import TrackerSpec, UsageError
from compress.core.progress import Progress, no_progress
from compress.distill.batches import Batches
from compress.distill.checkpoint import Checkpoint
from compress.distill.recipe import StudentRecipe
from compress.distill.student import distill
from compress.models import Tracker, VitTracker, build
from compress.models.blocks import Block, KeysValues
from compress.surgery import Rank, inherit

FIRST, WHOLE = 0.5, 0.1
"""The probability at the first step, and the share of the steps, the last ones, that the student takes by itself."""


def distill_with_replacement(
    teacher: Tracker,
    spec: TrackerSpec,
    pairs: Batches,
    recipe: StudentRecipe,
    *,
    steps: int,
    seed: int,
    device: torch.device,
    mlp_rank: Rank = "importance",
    calibration: tuple[Tensor, Tensor] | None = None,
    progress: Progress = no_progress,
    checkpoint: Checkpoint | None = None,
) -> Tracker:
    """A student of `spec`, distilled as by `distill` but for the stages of the teacher that stand in its place.

    Args:
        mlp_rank, calibration: See `inherit`.
        pairs, progress, checkpoint: As of `distill`.

    Raises:
        UsageError: student or teacher is not joint, adaptive, or eliminates tokens, so that stages cannot be
            exchanged; else as `inherit`, `distill`.
    """
    ends = stages(teacher.spec, spec)
    student = inherit(teacher.to(device), spec, mlp_rank=mlp_rank, calibration=calibration)
    with standing_in(cast(VitTracker, student), cast(VitTracker, teacher), ends) as choose:
        trained = distill(
            student,
            pairs,
            recipe,
            steps=steps,
            seed=seed,
            device=device,
            progress=progress,
            checkpoint=checkpoint,
            before=lambda step: choose(own_stages(len(ends), step, steps, seed)),
        )
    found = build(spec).to(device)
    found.load_state_dict(trained.state_dict())
    return found.eval()


def probability(step: int, steps: int) -> float:
    """That a stage is the student's own at a step, counted from 0: from `FIRST` in a line to 1, where it stays."""
    rising = max(1, round((1 - WHOLE) * steps))
    return min(1.0, FIRST + (1 - FIRST) * step / rising)


def own_stages(count: int, step: int, steps: int, seed: int) -> list[bool]:
    """Which stages are the student's at a step; the same whenever it is asked, so that a training can go on."""
    draws = random.Random(f"{seed} {step}")
    return [draws.random() < probability(step, steps) for _ in range(count)]


def stages(teacher: TrackerSpec, student: TrackerSpec) -> list[range]:
    """The teacher's layers that each layer of the student stands for.

    Raises:
        UsageError: as `distill_with_replacement`; or the first layer is not the teacher's first.
    """
    for spec in (teacher, student):
        plain = len(spec.group_ends) == 1 and spec.attention == "joint" and not (spec.bypass or spec.exits)
        if not plain or any(layer.keep for layer in spec.layers):
            raise UsageError(
                "Replacement training exchanges layers of joint trackers without bypass, exits and candidate "
                f"elimination, which {spec.id} is not. Distil this one as it is."
            )
    sources = [layer.source for layer in student.layers]
    if sources[0] != 0:
        raise UsageError(
            f"The student's first layer is the teacher's layer {sources[0]}, but its stages have to begin with layer 0."
        )
    return [range(a, b) for a, b in zip(sources, [*sources[1:], len(teacher.layers)], strict=True)]


@contextmanager
def standing_in(
    student: VitTracker, teacher: VitTracker, ends: Sequence[range]
) -> Iterator[Callable[[Sequence[bool]], None]]:
    """Within it stages of the student are, where so chosen, those of the frozen teacher; all its own at first.

    Gives the function that says which stages are the student's own.
    """
    own = [True] * len(ends)

    # Plain functions, so that copies of the model, such as the averaged one, do as it does.
    def replaced(stage: int, _module: nn.Module, inputs: tuple[Any, ...], output: Any) -> Any:
        return output if own[stage] else _through(teacher, ends[stage], inputs[0])

    hooks = [
        cast(Block, block).register_forward_hook(partial(replaced, stage))
        for stage, block in enumerate(student.backbone.blocks)
    ]
    frozen = [each for each in teacher.parameters() if each.requires_grad]
    training = teacher.training
    teacher.eval().requires_grad_(False)
    try:
        yield lambda chosen: own.__setitem__(slice(None), chosen)
    finally:
        for hook in hooks:
            hook.remove()
        for each in frozen:
            each.requires_grad_(True)
        teacher.train(training)


def _through(teacher: VitTracker, layers: range, x: Tensor) -> tuple[Tensor, KeysValues]:
    """The tokens behind some layers, and the keys and values of the last one."""
    found: tuple[Tensor, KeysValues] | None = None
    for i in layers:
        found = cast(Block, teacher.backbone.blocks[i])(x if found is None else found[0])
    assert found is not None
    return found
