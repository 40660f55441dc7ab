"""An intermediate teacher (MixFormerV2, §3.2.2): of a depth between teacher and student, trained in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from compress.core import TrackerSpec, UsageError
from compress.core.progress import Progress, no_progress, part
from compress.distill.batches import Batches
from compress.distill.checkpoint import Checkpoint
from compress.distill.progressive import beside, removed_layers, with_removed
from compress.distill.recipe import StudentRecipe
from compress.distill.resolution import crops_at
from compress.distill.student import distill
from compress.models import Tracker, build
from compress.surgery import InputStatistics, Rank, inherit


def distill_with_intermediate(
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
    """A student of `spec`: `first_steps` of an intermediate tracker, then `steps` of what inherits from that.

    Both imitate the teacher, whose answers the pairs hold. The intermediate tracker is as wide as the teacher and has
    the student's layers among its own, see `intermediate_spec`.

    Args:
        mlp_rank, calibration: See `inherit`.
        pairs, progress: As of `distill`.
        checkpoint: As of `distill`; another file beside it, named `intermediate-…`, is for the first steps.

    Raises:
        UsageError: as `intermediate_spec`, `inherit` and `distill`.
    """
    between = intermediate_spec(teacher.spec, spec)
    share = first_steps / (first_steps + steps)
    first = distill(
        inherit(teacher.to(device), between, mlp_rank=mlp_rank, calibration=calibration),
        pairs,
        recipe,
        steps=first_steps,
        seed=seed,
        device=device,
        progress=part(progress, 0, share, "an intermediate teacher"),
        checkpoint=beside(checkpoint, "intermediate"),
    )
    crops = calibration and crops_at(*calibration, spec)
    student = inherited_through(first, spec, mlp_rank=mlp_rank, calibration=crops)
    rest = part(progress, share, 1)
    pairs = pairs.after(first_steps)
    return distill(student, pairs, recipe, steps=steps, seed=seed, device=device, progress=rest, checkpoint=checkpoint)


def intermediate_spec(teacher: TrackerSpec, spec: TrackerSpec) -> TrackerSpec:
    """The tracker half-way between teacher and student in depth: 8 layers for 4 of 12 (MixFormerV2).

    It has the student's layers, and of the others so many, evenly chosen; all as wide as the teacher's.

    Raises:
        UsageError: a LeViT, or a student with bypass or exits, or with all of the teacher's layers.
    """
    removed = removed_layers(teacher, spec)
    if not removed:
        raise UsageError("A student with all of its teacher's layers has no intermediate teacher; distil it at once.")
    more = len(removed) // 2
    chosen = {removed[(2 * i + 1) * len(removed) // (2 * more)] for i in range(more)}
    chosen |= {layer.source for layer in spec.layers}
    whole = with_removed(teacher, spec)
    layers = (
        replace(of, source=layer.source, attention=layer.attention, keep=layer.keep)
        for layer, of in zip(whole.layers, teacher.layers, strict=True)
        if layer.source in chosen
    )
    return replace(whole, layers=tuple(layers))


def inherited_through(
    between: Tracker,
    spec: TrackerSpec,
    *,
    mlp_rank: Rank = "importance",
    calibration: tuple[Tensor, Tensor] | Mapping[str, InputStatistics] | None = None,
) -> Tracker:
    """A student of `spec` from an intermediate tracker; `spec` names its layers by the teacher's."""
    student = inherit(between, with_places_of(between.spec, spec), mlp_rank=mlp_rank, calibration=calibration)
    found = build(spec)
    found.load_state_dict(student.state_dict())
    device = next(student.parameters()).device
    return found.to(device).train(student.training)


def with_places_of(between: TrackerSpec, spec: TrackerSpec) -> TrackerSpec:
    """The student with its layers named by their places in the intermediate tracker."""
    places = {layer.source: i for i, layer in enumerate(between.layers)}
    return replace(spec, layers=tuple(replace(layer, source=places[layer.source]) for layer in spec.layers))
