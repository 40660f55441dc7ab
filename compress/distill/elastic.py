"""Distilling a network of shared weights: at every step random students of a space, now and then its two ends as well.

The sandwich rule of BigNAS (the largest, the smallest, random ones at each step) with two changes. The largest starts
as the teacher itself and costs as much as several others, and the loss of the smallest outweighs all others, so that
both take part in every fourth step only. And of two draws the cheaper is taken: what is far from the teacher has more
to learn. The smaller networks there imitate the largest; here each imitates the teacher's answers, as
students that are trained alone do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from random import Random
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from compress.core import TrackerSpec, fingerprint
from compress.core.cost import macs, parameters
from compress.core.progress import Progress, no_progress
from compress.distill.adaptive_objective import AdaptiveObjective
from compress.distill.batches import Batch, Batches
from compress.distill.checkpoint import Checkpoint
from compress.distill.losses.adaptive import ImitationAttention
from compress.distill.objective import static_objective
from compress.distill.optimisation import keep_statistics
from compress.distill.recipe import StudentRecipe
from compress.distill.student import is_new
from compress.distill.trainer import Objective, Trainer
from compress.models import Tracker, build
from compress.spaces import ONLY_WITH, Space
from compress.surgery import Elastic

RANDOM = 3
"""Random students in a step."""

ENDS_EVERY = 4
"""In one of so many steps the largest and the smallest take part."""


@dataclass(frozen=True)
class Sandwich:
    """Which students are trained at a step, the same whenever it is asked.

    Attributes:
        random: Students drawn at each step.
    """

    teacher: TrackerSpec
    space: Space
    seed: int
    random: int = RANDOM

    def __call__(self, step: int) -> tuple[TrackerSpec, ...]:
        """Random ones, then the largest and the smallest where it is their turn."""
        draws = tuple(self._draw(Random(f"{self.seed} {step} {i}")) for i in range(self.random))
        return draws if step % ENDS_EVERY else (*draws, *self._ends)

    def _draw(self, rng: Random) -> TrackerSpec:
        """The cheaper of two."""
        return min((self.space.sample(self.teacher, rng) for _ in range(2)), key=_cost)

    @cached_property
    def _ends(self) -> tuple[TrackerSpec, TrackerSpec]:
        return largest(self.space, self.teacher), smallest(self.space, self.teacher)


def largest(space: Space, teacher: TrackerSpec) -> TrackerSpec:
    """The student of the most multiply-accumulates, where these rise or fall with every knob by itself."""
    return _extreme(space, teacher, 1)


def smallest(space: Space, teacher: TrackerSpec) -> TrackerSpec:
    """Likewise of the fewest."""
    return _extreme(space, teacher, -1)


def _extreme(space: Space, teacher: TrackerSpec, sign: int) -> TrackerSpec:
    """By choosing knob after knob; where others may bar a knob, once more with these as it needs them."""
    space = replace(space, per_layer=False)  # where widths are most or fewest, all layers are alike
    offered = space.choices(teacher)
    barred = [ONLY_WITH[name] for name in offered if name in ONLY_WITH]
    starts = [{}, *(each for each in barred if all(value in offered.get(k, (value,)) for k, value in each.items()))]
    found = [_chosen(space, teacher, sign, {k: v for k, v in start.items() if k in offered}) for start in starts]
    return max(found, key=lambda each: [sign * cost for cost in _cost(each)])


def _chosen(space: Space, teacher: TrackerSpec, sign: int, fixed: Mapping[str, Any]) -> TrackerSpec:
    """Knob after knob but for those that are fixed; twice, as some matter only once another is on."""
    chosen = dict(fixed)

    def spec(changes: dict[str, Any]) -> TrackerSpec:
        known = chosen | changes
        return space.spec(teacher, lambda name, choices: known.get(name, choices[0]))

    for name, choices in [each for each in space.choices(teacher).items() if each[0] not in fixed] * 2:
        costs = {choice: _cost(spec({name: choice})) for choice in choices}
        chosen[name] = max(choices, key=lambda choice: [sign * each for each in costs[choice]])
    return spec({})


def _space_key(space: Space) -> str:
    return fingerprint([dict(space.knobs), "per layer"] if space.per_layer else dict(space.knobs))


def _cost(spec: TrackerSpec) -> tuple[float, float]:
    return macs(spec).full, parameters(spec)


def distill_elastic(
    elastic: Elastic,
    space: Space,
    pairs: Batches,
    recipe: StudentRecipe,
    *,
    steps: int,
    seed: int,
    device: torch.device,
    random: int = RANDOM,
    progress: Progress = no_progress,
    checkpoint: Checkpoint | None = None,
) -> Elastic:
    """Train shared weights for `steps` batches; the network with its averaged weights, in eval mode.

    Each step is one of the optimiser, with the mean gradient of the students of a `Sandwich`; one of them is in memory
    at a time. Batch norms of a head end with statistics of all students mixed: see `recalibrated`. The scores of
    exits are not calibrated, which is done for each student that is trained further.

    Args:
        pairs, progress, checkpoint: As of `distill`.

    Raises:
        UsageError: a head that cannot imitate the teacher's.
        CompressError: the training diverged.
        FileError: the checkpoint is damaged or belongs to another training.
    """
    model = elastic.model.to(device).train()
    keep_statistics(model)
    objective = ElasticObjective(
        elastic, Sandwich(pairs.teacher, space, seed, random), recipe, static_steps=round(recipe.static * steps)
    )
    about = {"elastic": model.spec.id, "space": _space_key(space), "mlp_rank": elastic.mlp_rank}
    trainer: Trainer[Tracker, Batch] = Trainer(
        model,
        objective,
        partial(pairs.batches, count=recipe.batch, seed=seed, device=device),
        recipe.trainer(steps, model.spec),
        device=device,
        beside=objective.attentions.to(device),
        scale=lambda name: recipe.new if is_new(name) else 1.0,
        checkpoint=checkpoint,
        about={**about, "random": random, "seed": seed, **pairs.about, **recipe.figures()},
        progress=progress,
    )
    return replace(elastic, model=trainer.run())


class ElasticObjective:
    """The mean of the students' losses at a step, with gradients gathered student by student.

    Attributes:
        attentions: Trained beside the network, and not needed afterwards: for the early exits of any student.

    Args:
        students: Those of a step, counted from 0.
        static_steps: As of `AdaptiveObjective`.
    """

    def __init__(
        self,
        elastic: Elastic,
        students: Callable[[int], Sequence[TrackerSpec]],
        recipe: StudentRecipe,
        static_steps: int,
    ) -> None:
        self._elastic, self._students = elastic, students
        self._recipe, self._static_steps = recipe, static_steps
        spec = elastic.model.spec
        self.attentions = nn.ModuleList(ImitationAttention(spec.dim) for _ in spec.exits[:-1])

    def __call__(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """`loss`, whose gradients are known already, and the mean IoU."""
        parameters = [*self._elastic.model.parameters(), *self.attentions.parameters()]
        sums: list[Tensor | None] = [None] * len(parameters)
        losses, overlaps = [], []
        for spec in self._students(step):
            parts = self._parts(spec, batch, step)
            found = torch.autograd.grad(parts["loss"], parameters, allow_unused=True)
            sums = [_added(a, b) for a, b in zip(sums, found, strict=True)]
            losses.append(parts["loss"].detach())
            overlaps.append(parts["iou"].detach())
        gradients = [None if each is None else each / len(losses) for each in sums]
        loss: Tensor = _Known.apply(torch.stack(losses).mean(), gradients, *parameters)
        return {"loss": loss, "iou": torch.stack(overlaps).mean()}

    def _parts(self, spec: TrackerSpec, batch: Batch, step: int) -> dict[str, Tensor]:
        with torch.device("meta"):
            student = build(spec).train()
        keep_statistics(student)
        tensors = {f"student.{name}": each for name, each in self._elastic.tensors(spec).items()}
        found: dict[str, Tensor] = functional_call(_Student(student, self._objective(student)), tensors, (batch, step))
        return found

    def _objective(self, student: Tracker) -> Objective[Batch]:
        if not (student.spec.bypass or student.spec.exits):
            return lambda batch, step: static_objective(student, batch, self._recipe)
        return AdaptiveObjective(student, self._recipe, self._static_steps, self.attentions)


class _Student(nn.Module):
    """An objective as a module, so that its student can run with tensors that are not its own."""

    def __init__(self, student: Tracker, objective: Objective[Batch]) -> None:
        super().__init__()
        self.student, self._objective = student, objective

    def forward(self, batch: Batch, step: int) -> dict[str, Tensor]:
        return self._objective(batch, step)


class _Known(torch.autograd.Function):
    """A value whose gradients are known."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, gradients: list[Tensor | None], *_parameters: Tensor) -> Tensor:
        ctx.gradients = gradients
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor | None, ...]:
        return None, None, *(None if each is None else outer[0] * each for each in ctx.gradients)


def _added(a: Tensor | None, b: Tensor | None) -> Tensor | None:
    return b if a is None else a if b is None else a + b
