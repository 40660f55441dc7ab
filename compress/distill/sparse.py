"""Which dimensions a student keeps, learnt: relaxed dimension reduction under an L1 penalty (ABTrack, §3.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from compress.core import TrackerSpec
from compress.core.progress import Progress, no_progress, part
from compress.distill.batches import Batch, Batches
from compress.distill.checkpoint import Checkpoint
from compress.distill.intermediate import inherited_through
from compress.distill.memory import fitting
from compress.distill.objective import static_objective
from compress.distill.progressive import beside
from compress.distill.recipe import StudentRecipe
from compress.distill.resolution import crops_at
from compress.distill.student import any_share, distill
from compress.distill.trainer import Trainer
from compress.models import Tracker, VitTracker, build
from compress.surgery import InputStatistics, Rank, inherit, observe

_LINEARS = {"attn.qkv": 0, "attn.proj": 0, "mlp.fc1": 1, "mlp.fc2": 1}
"""The linear layers of a block, and which of its two matrices each one's inputs go through."""


class RelaxedReduction(nn.Module):
    """The diagonals of D1 (attention) and D2 (MLP) of every layer, relaxed to real values; ones at first.

    A hidden layer `r` times as wide as the tokens takes D2 once for each of its `r` parts. D1 is taken once by each
    linear layer; as Eq. 4 is printed it stands before queries, keys and values twice, which is the same once it is
    binary.
    """

    def __init__(self, layers: int, dim: int) -> None:
        super().__init__()
        self.diagonals = nn.ParameterList(nn.Parameter(torch.ones(2, dim)) for _ in range(layers))

    def of(self, layer: int, linear: str, width: int) -> Tensor:
        """What the `width` inputs of a linear layer are multiplied by."""
        diagonal = self.diagonals[layer][_LINEARS[linear]]
        return diagonal.repeat(-(-width // len(diagonal)))[:width]

    def penalty(self) -> Tensor:
        """Σ over the layers of ‖D1‖₁ + ‖D2‖₁ (Eq. 6 without α)."""
        return torch.stack([each.abs().sum() for each in self.diagonals]).sum()


def distill_sparsely(
    teacher: Tracker,
    spec: TrackerSpec,
    pairs: Batches,
    recipe: StudentRecipe,
    *,
    first_steps: int,
    steps: int,
    seed: int,
    device: torch.device,
    mlp_rank: Rank = "importance",
    calibration: tuple[Tensor, Tensor] | None = None,
    progress: Progress = no_progress,
    checkpoint: Checkpoint | None = None,
) -> Tracker:
    """A student of `spec`: `first_steps` as wide as the teacher with the penalty, then cut, then `steps` as it is.

    Dimensions are ranked within each layer by what has become of the diagonals (binarisation), which are then a part of
    the weights; as many are kept as `spec` says.

    Args:
        mlp_rank, calibration: See `inherit`.
        pairs, progress: As of `distill`.
        checkpoint: As of `distill`; another file beside it, named `sparse-…`, is for the first steps.

    Raises:
        UsageError: as `inherit`, `distill`.
    """
    wide = wide_spec(teacher.spec, spec)
    share = first_steps / (first_steps + steps)
    model = inherit(teacher.to(device), wide, mlp_rank=mlp_rank, calibration=calibration).train()
    relaxed = RelaxedReduction(len(wide.layers), wide.dim).to(device)
    weight = recipe.procedure.sparse_weight

    def penalised(batch: Batch, step: int) -> dict[str, Tensor]:
        parts = static_objective(model, batch, recipe)
        penalty = relaxed.penalty()
        return {**parts, "reduction": penalty, "loss": parts["loss"] + weight * penalty}

    objective = penalised if wide.keep_least is None else any_share(model, penalised, seed)
    with reducing(cast(VitTracker, model), relaxed):
        trainer: Trainer[Tracker, Batch] = Trainer(
            model,
            objective,
            partial(pairs.batches, count=recipe.batch, seed=seed, device=device),
            fitting(recipe.trainer(first_steps, wide), wide, recipe.batch, device),
            device=device,
            beside=relaxed,
            checkpoint=beside(checkpoint, "sparse"),
            about={"student": spec.in_fp32.id, "sparse": True, "seed": seed, **pairs.about, **recipe.figures()},
            progress=part(progress, 0, share, "dimensions are weighed"),
        )
        # A copy without the hooks, which the averaged model has been copied with.
        trained = build(wide).to(device)
        trained.load_state_dict(trainer.run().state_dict())
    fold(cast(VitTracker, trained), relaxed)
    crops = calibration and crops_at(*calibration, spec)
    student = inherited_through(trained.eval(), spec, calibration=ranking(trained, relaxed, crops))
    rest = part(progress, share, 1)
    pairs = pairs.after(first_steps)
    return distill(student, pairs, recipe, steps=steps, seed=seed, device=device, progress=rest, checkpoint=checkpoint)


def wide_spec(teacher: TrackerSpec, spec: TrackerSpec) -> TrackerSpec:
    """The student with all dimensions and hidden units of its layers' sources."""
    of = (teacher.layers[layer.source] for layer in spec.layers)
    layers = (
        replace(each, source=layer.source, attention=layer.attention, keep=layer.keep)
        for layer, each in zip(spec.layers, of, strict=True)
    )
    return replace(spec, layers=tuple(layers))


@contextmanager
def reducing(model: VitTracker, relaxed: RelaxedReduction) -> Iterator[None]:
    """Within it the inputs of all linear layers of the blocks are multiplied by the diagonals."""

    # A plain function, so that copies of the model, such as the averaged one, do as it does.
    def scaled(layer: int, linear: str, _module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Tensor, ...]:
        return (inputs[0] * relaxed.of(layer, linear, inputs[0].shape[-1]), *inputs[1:])

    hooks = [
        block.get_submodule(linear).register_forward_pre_hook(partial(scaled, i, linear))
        for i, block in enumerate(model.backbone.blocks)
        for linear in _LINEARS
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@torch.no_grad()
def fold(model: VitTracker, relaxed: RelaxedReduction) -> None:
    """Make the diagonals a part of the weights, which leaves the function as it was within `reducing`."""
    for i, block in enumerate(model.backbone.blocks):
        for linear in _LINEARS:
            weight = block.get_parameter(f"{linear}.weight")
            weight.mul_(relaxed.of(i, linear, weight.shape[1]))


def ranking(
    model: Tracker, relaxed: RelaxedReduction, calibration: tuple[Tensor, Tensor] | None
) -> Mapping[str, InputStatistics]:
    """What the inputs of the blocks' linear layers are ranked by: the magnitudes of the diagonals.

    Args:
        calibration: Crops whose mean inputs go into the biases where inputs are cut; without them zeros stand for them.
    """
    names = {f"blocks.{i}.{linear}": (i, linear) for i in range(len(relaxed.diagonals)) for linear in _LINEARS}
    backbone = model.get_submodule("backbone")
    widths = {name: backbone.get_parameter(f"{name}.weight").shape[1] for name in names}
    device = next(model.parameters()).device
    nothing = {name: InputStatistics(torch.zeros(widths[name], device=device), 0.0, 1) for name in names}
    observed = {**nothing, **(observe(model, *calibration) if calibration is not None else {})}
    weighed = {name: relaxed.of(*place, widths[name]).detach().abs() for name, place in names.items()}
    return {name: replace(each, importance=weighed.get(name)) for name, each in observed.items()}
