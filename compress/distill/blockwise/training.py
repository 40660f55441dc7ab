"""Local distillation: a variant of half a layer learns what the teacher's half makes of the same tokens."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from compress.distill.blockwise.activations import chunks
from compress.distill.blockwise.layers import Half
from compress.distill.trainer import Trainer
from compress.distill.trainer_settings import TrainerSettings


@dataclass(frozen=True)
class LocalRecipe:
    """How variants are distilled and scored.

    Attributes:
        pairs: At most, that they learn on, fewer where the tokens of a layer would pass `most_bytes`.
        scored: Pairs at the end of all that they are scored on and never learn on.
        steps: Of the optimiser, behind `refit`; 0 leaves it at that. On `ostrack-nano` 24 steps lower the local loss by
            another tenth, and what the tracker loses by a fiftieth, in ten times the time.
        lr, warmup: Peak learning rate of AdamW, and the steps that warm it up; a half cosine follows.
        ridge: Weight, over the mean square of an input, of staying near the weights that surgery gave, see `refit`.
        most_bytes: Of the tokens in front of one layer.
    """

    pairs: int = 256
    scored: int = 64
    steps: int = 0
    batch: int = 32
    lr: float = 5e-4
    warmup: int = 3
    ridge: float = 1e-3
    most_bytes: int = 256_000_000


class Rows:
    """Inputs and targets (N, tokens, dim) of a half, and what AI layers attend to (N, Nz, dim)."""

    def __init__(self, inputs: Tensor, targets: Tensor, finished: Tensor) -> None:
        self.inputs, self.targets, self.finished = inputs, targets, finished

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, rows: slice | Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.inputs[rows], self.targets[rows], self.finished[rows]


def local_loss(out: Tensor, target: Tensor) -> Tensor:
    """MSE(out, target) / MSE(target, 0) (Puzzle)."""
    return (out - target).square().mean() / target.square().mean()


@torch.no_grad()
def mean_loss(half: Half, rows: Rows) -> float:
    """`local_loss` over all rows."""
    losses = []
    for part in chunks(len(rows)):
        inputs, targets, finished = rows[part]
        losses.append(float(local_loss(half(inputs, finished), targets)) * len(inputs))
    return sum(losses) / len(rows)


def distill_half(half: Half, rows: Rows, recipe: LocalRecipe, *, seed: int) -> Half:
    """A half that has learnt its targets, in eval mode: first its last linear layer in closed form, then all of it.

    Raises:
        CompressError: the training diverged.
    """
    refit(half, rows, recipe.ridge)
    if not recipe.steps:
        return half
    trainer: Trainer[Half, tuple[Tensor, Tensor, Tensor]] = Trainer(
        half.train(),
        lambda batch, step: {"loss": local_loss(half(batch[0], batch[2]), batch[1])},
        partial(_batches, rows, recipe.batch, seed),
        TrainerSettings(recipe.steps, recipe.lr, recipe.warmup, weight_decay=0.0, ema=0.9, report_every=recipe.steps),
        device=rows.inputs.device,
    )
    return trainer.run()


@torch.no_grad()
def refit(half: Half, rows: Rows, ridge: float) -> None:
    """Solve for the last linear layer, given what it takes in: least squares over all tokens, in place.

    min ‖A W − R‖² + λ ‖W − V‖², A the inputs with a 1 for the bias, R what the half has to add to its input, V the
    weights as they are, λ = `ridge` times the mean of A's squared columns.
    """
    linear = half.get_submodule(half.last)
    assert isinstance(linear, torch.nn.Linear)
    weights = torch.cat([linear.weight, linear.bias[:, None]], dim=1).T.double()
    seen: list[Tensor] = []
    hook = linear.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    gram = weights.new_zeros(len(weights), len(weights))
    right = torch.zeros_like(weights)
    try:
        for part in chunks(len(rows)):
            inputs, targets, finished = rows[part]
            out = half(inputs, finished)
            # An attention whose template is apart calls its last layer for each part, in the order of the tokens.
            a = torch.cat(seen, dim=1).flatten(0, 1)
            seen.clear()
            a = torch.cat([a, a.new_ones(len(a), 1)], dim=1)
            gram += a.T @ a
            right += a.T @ (targets - out).flatten(0, 1)
    finally:
        hook.remove()
    gram.diagonal().add_(ridge * gram.diagonal().mean())
    weights = (weights + torch.linalg.solve(gram, right)).T.to(linear.weight.dtype)
    linear.weight.copy_(weights[:, :-1])
    linear.bias.copy_(weights[:, -1])


def _batches(rows: Rows, count: int, seed: int, start: int) -> Generator[tuple[Tensor, Tensor, Tensor], None, None]:
    generator = torch.Generator().manual_seed(seed)
    for _ in range(start):
        torch.randint(len(rows), (count,), generator=generator)
    while True:
        yield rows[torch.randint(len(rows), (count,), generator=generator)]
