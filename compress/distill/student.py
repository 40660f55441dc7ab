"""Distilling a student on the pool: ground truth, imitation of the teacher's answers, mimicry of its features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from compress.core import CompressError, TrackerSpec
from compress.distill.losses import ground_truth_loss, imitation_loss, mimic_loss
from compress.distill.matching import matched_layers
from compress.distill.optimise import AveragedWeights, keep_statistics, learning_rate, optimiser, to_input
from compress.distill.pool import Pool
from compress.models import Tracker


@dataclass(frozen=True)
class StudentRecipe:
    """How a student is distilled. Loss: ground truth + weight · part, over the parts its head has.

    Attributes:
        lr, warmup: Peak learning rate of AdamW, and the share of the steps that warm it up; a half cosine follows.
        score, box: Weights of imitation of a centre head's scores and boxes.
        distribution: Of imitation of distributions over corners or sides (MixFormerV2).
        presence: Of imitation of a score head.
        mimic: Of mimicry of normalised features.
        mimic_raw: Of mimicry of features as they are, which stands in its place under MixFormerV2's and MixViT's heads;
            of search tokens, where the published loss is over all tokens.
        ema: Decay of the averaged weights, which are what is kept.
    """

    batch: int = 32
    lr: float = 5e-4
    warmup: float = 0.1
    weight_decay: float = 0.02
    score: float = 60.0
    box: float = 20.0
    distribution: float = 5.0
    presence: float = 1.0
    mimic: float = 8.0
    mimic_raw: float = 0.2
    ema: float = 0.99

    @property
    def weights(self) -> dict[str, float]:
        """Of the parts of the loss beside the ground truth, by name."""
        imitated = ("score", "box", "distribution", "presence")
        mimicked = {"mimic": self.mimic, "mimic_raw": self.mimic_raw}
        return {f"imitate_{name}": getattr(self, name) for name in imitated} | mimicked


Report = Callable[[int, dict[str, float]], None]

_UNNORMALISED = ("pyramid", "tokens")
"""Heads of the trackers that are published with mimicry of features as they are."""


def distill(
    student: Tracker,
    pool: Pool,
    recipe: StudentRecipe,
    *,
    steps: int,
    seed: int,
    device: torch.device,
    report: Report | None = None,
    before: Callable[[int], None] | None = None,
) -> Tracker:
    """Train `student` for `steps` batches of the pool; returns its averaged weights in eval mode.

    A backbone's batch norms keep the teacher's statistics.

    Args:
        report: Called about every twentieth of the way with the step and the mean of each loss part since.
        before: Called with the step, counted from 0, before each.

    Raises:
        UsageError: a head that cannot imitate the teacher's.
        CompressError: the loss is not finite.
    """
    student = student.to(device).train()
    keep_statistics(student)
    average = AveragedWeights(student, recipe.ema)
    descent = optimiser(student, recipe.lr, recipe.weight_decay)
    generator = torch.Generator().manual_seed(seed)
    sums: dict[str, Tensor] = {}
    since = 0
    for step in range(steps):
        if before is not None:
            before(step)
        for group in descent.param_groups:
            group["lr"] = learning_rate(step, steps, recipe.lr, round(recipe.warmup * steps))
        rows = torch.randint(len(pool), (recipe.batch,), generator=generator)
        parts = distillation_loss(student, pool, rows, recipe, device)
        descent.zero_grad(set_to_none=True)
        torch.autograd.backward(parts["loss"])
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        descent.step()
        average.update(student)
        sums = {k: v.detach() + sums.get(k, 0.0) for k, v in parts.items()}
        since += 1
        if since >= max(1, steps // 20) or step + 1 == steps:
            _report(report, step + 1, sums, since)
            sums, since = {}, 0
    return average.model.train(False)


def distillation_loss(
    student: Tracker, pool: Pool, rows: Tensor, recipe: StudentRecipe, device: torch.device
) -> dict[str, Tensor]:
    """`loss` and its parts over some rows of the pool."""
    template, search = to_input(pool.template[rows].to(device)), to_input(pool.search[rows].to(device))
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
        out = student(template, search, collect=True)
    maps = {k: v.float() for k, v in out.maps.items()}
    truth = ground_truth_loss(maps, pool.boxes[rows].to(device))
    asked = {k: v[rows].to(device).float() for k, v in pool.maps.items()}
    parts = imitation_loss(maps, asked) | _mimicry(student.spec, out.layers, pool, rows)
    weighted = [recipe.weights[name] * value for name, value in parts.items()]
    return {**truth, **parts, "loss": truth["loss"] + torch.stack(weighted).sum()}


def _mimicry(spec: TrackerSpec, layers: tuple[Tensor, ...] | None, pool: Pool, rows: Tensor) -> dict[str, Tensor]:
    """The mean over the matched layers that the pool has; the last is always among them."""
    assert layers is not None
    raw = spec.head.kind in _UNNORMALISED
    pairs = [(k, t) for k, t in matched_layers(spec, pool.teacher).items() if t in pool.layers]
    losses = [
        mimic_loss(layers[k].float(), pool.layers[t][rows].to(layers[k].device).float(), normalised=not raw)
        for k, t in pairs
    ]
    return {"mimic_raw" if raw else "mimic": torch.stack(losses).mean()}


def _report(report: Report | None, step: int, sums: dict[str, Tensor], count: int) -> None:
    means = {k: float(v) / count for k, v in sums.items()}
    if not torch.isfinite(torch.tensor(means["loss"])):
        raise CompressError(
            f"Distillation diverged: the loss is {means['loss']} at step {step}. Lower the learning rate and run again."
        )
    if report is not None:
        report(step, means)
