"""Trainings that begin at the teacher and have a stage of their own, by the recipe: see `StudentProcedure`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from compress.core import TrackerSpec, UsageError
from compress.core.progress import Progress, no_progress
from compress.distill.batches import Batches
from compress.distill.checkpoint import Checkpoint
from compress.distill.intermediate import distill_with_intermediate
from compress.distill.procedure import StudentProcedure
from compress.distill.progressive import distill_progressively, removed_layers
from compress.distill.recipe import StudentRecipe
from compress.distill.replacement import distill_with_replacement, stages
from compress.distill.sparse import distill_sparsely, wide_spec
from compress.models import Tracker
from compress.surgery import Rank

_BESIDE = ("fading", "intermediate", "sparse")
"""Before the names of files that earlier stages keep their state in."""


def stage_of(procedure: StudentProcedure, teacher: TrackerSpec, spec: TrackerSpec, steps: int) -> str:
    """The stage that a training of a student has; empty where it has none, and is distilled at once.

    Layers fade out, and an intermediate tracker helps, where there are layers to leave out; dimensions are weighed
    where there are some to reduce; none of these for what decides per frame (bypass, exits). Stages of a teacher stand
    in where student and teacher are joint, see `stages`.
    """
    if procedure.stage == "replacement":
        try:
            stages(teacher, spec)
        except UsageError:
            return ""
        return procedure.stage
    if len(spec.group_ends) > 1 or spec.bypass or spec.exits or steps < 2:
        return ""
    nothing = spec == wide_spec(teacher, spec) if procedure.stage == "sparse" else not removed_layers(teacher, spec)
    return "" if nothing else procedure.stage


def first_steps(procedure: StudentProcedure, steps: int) -> int:
    """Of all steps those before the student is what it ends as; 0 where it is from the first one on."""
    share = procedure.progressive or procedure.intermediate or procedure.sparse
    return min(steps - 1, max(1, round(share * steps))) if share else 0


def distill_in_stages(
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
    """A student of `spec` from its teacher in `steps`, those of the recipe's stage among them; in eval mode.

    Args:
        steps: At least 2, unless the stage is replacement.
        mlp_rank, calibration, pairs, progress, checkpoint: As of `distill_progressively`.

    Raises:
        UsageError: a recipe without stage; or as of what the stage calls.
    """
    procedure = recipe.procedure
    same: Mapping[str, Any] = {
        "seed": seed,
        "device": device,
        "mlp_rank": mlp_rank,
        "calibration": calibration,
        "progress": progress,
        "checkpoint": checkpoint,
    }
    if procedure.stage == "replacement":
        return distill_with_replacement(teacher, spec, pairs, recipe, steps=steps, **same)
    first = first_steps(procedure, steps)
    if procedure.stage == "progressive":
        return distill_progressively(teacher, spec, pairs, recipe, fade_steps=first, steps=steps - first, **same)
    if procedure.stage == "intermediate":
        return distill_with_intermediate(teacher, spec, pairs, recipe, first_steps=first, steps=steps - first, **same)
    if procedure.stage == "sparse":
        return distill_sparsely(teacher, spec, pairs, recipe, first_steps=first, steps=steps - first, **same)
    raise UsageError("This recipe has no stage that begins at the teacher. Distil what inherits from it.")


def states(path: Path) -> list[Path]:
    """Where a training whose last stage keeps its state at `path` keeps any."""
    return [path, *(path.with_name(f"{stage}-{path.name}") for stage in _BESIDE)]
