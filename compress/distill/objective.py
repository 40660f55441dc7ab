"""What a student is trained for: the ground truth, the teacher's answers, and the teacher's features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from compress.distill.batches import Batch
from compress.distill.compute import network_autocast
from compress.distill.feature_distillation import feature_distillation
from compress.distill.losses import ground_truth_loss, imitation_loss
from compress.distill.recipe import StudentRecipe
from compress.distill.resolution import at_sizes
from compress.models import Tracker, TrackerOutput

Maps = dict[str, Tensor]


def static_objective(student: Tracker, batch: Batch, recipe: StudentRecipe) -> dict[str, Tensor]:
    """`loss` and its parts of a student that does the same for every frame."""
    batch = at_sizes(batch, student.spec)
    out = student_output(student, batch)
    # Before the other parts: gradients are summed in the order of these lines, and so rounded.
    truth = ground_truth_loss(out.maps, batch.boxes, recipe.loss)
    parts = imitation_loss(out.maps, batch.maps) | feature_parts(student, out, batch, recipe)
    return weighted_sum(truth, parts, recipe)


def student_output(student: Tracker, batch: Batch, **options: Any) -> TrackerOutput:
    """The student's output for a batch, with the tokens after every layer; its maps in single precision.

    Args:
        options: Of the tracker's `forward`.
    """
    with network_autocast(batch.boxes.device):
        out: TrackerOutput = student(batch.template, batch.search, collect=True, **options)
    return out._replace(maps=single_precision(out.maps))


def feature_parts(student: Tracker, out: TrackerOutput, batch: Batch, recipe: StudentRecipe) -> dict[str, Tensor]:
    """The part of the loss that is feature distillation."""
    assert out.layers is not None
    last = recipe.procedure.feature_layers == "last"
    return feature_distillation(student.spec, out.layers, batch.teacher, batch.layers, last=last)


def weighted_sum(truth: Mapping[str, Tensor], parts: Mapping[str, Tensor], recipe: StudentRecipe) -> dict[str, Tensor]:
    """`truth`, whose `loss` counts as it is, with further parts, each of which counts by its weight in the recipe."""
    weighted = [recipe.weights[name] * value for name, value in parts.items()]
    return {**truth, **parts, "loss": truth["loss"] + torch.stack(weighted).sum()}


def single_precision(maps: Mapping[str, Tensor]) -> Maps:
    """Maps as float32, whatever the network ran in."""
    return {name: values.float() for name, values in maps.items()}
