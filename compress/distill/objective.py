"""What a student is asked on a batch of the pool: the ground truth, and to answer and see as its teacher does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from compress.core import TrackerSpec
from compress.distill.inputs import to_input
from compress.distill.layer_matching import matched_layers
from compress.distill.losses import feature_loss, ground_truth_loss, imitation_loss
from compress.distill.pool import Pool
from compress.distill.recipe import StudentRecipe
from compress.models import Tracker, TrackerOutput

Maps = dict[str, Tensor]

_UNNORMALISED = ("pyramid", "tokens")
"""Heads of the trackers that are published with mimicry of features as they are."""


@dataclass(frozen=True)
class Batch:
    """Some rows of the pool on the device; crops as the network takes them, see `Pool` for the rest."""

    teacher: TrackerSpec
    template: Tensor
    search: Tensor
    boxes: Tensor
    maps: Maps
    layers: dict[int, Tensor]

    @classmethod
    def of(cls, pool: Pool, rows: Tensor, device: torch.device) -> Batch:
        """The rows (B,) of the pool; the teacher's answers as float32."""
        template, search = (to_input(crops[rows].to(device)) for crops in (pool.template, pool.search))
        maps = {name: values[rows].to(device).float() for name, values in pool.maps.items()}
        layers = {i: values[rows].to(device).float() for i, values in pool.layers.items()}
        return cls(pool.teacher, template, search, pool.boxes[rows].to(device), maps, layers)


def asked(student: Tracker, batch: Batch, **options: Any) -> TrackerOutput:
    """What the student says, with the tokens after every layer; its maps in single precision."""
    with torch.autocast(batch.boxes.device.type, torch.bfloat16, enabled=batch.boxes.is_cuda):
        out: TrackerOutput = student(batch.template, batch.search, collect=True, **options)
    return out._replace(maps=floats(out.maps))


def static_parts(student: Tracker, batch: Batch, recipe: StudentRecipe) -> dict[str, Tensor]:
    """`loss` and its parts of a student that does the same for every frame."""
    out = asked(student, batch)
    truth = ground_truth_loss(out.maps, batch.boxes)
    return total(
        truth, imitation_loss(out.maps, batch.maps) | feature_distillation(student.spec, out.layers, batch), recipe
    )


def total(truth: dict[str, Tensor], parts: dict[str, Tensor], recipe: StudentRecipe) -> dict[str, Tensor]:
    """`truth`, whose `loss` counts as it is, with further parts, each of which counts by its weight in the recipe."""
    weighted = [recipe.weights[name] * value for name, value in parts.items()]
    return {**truth, **parts, "loss": truth["loss"] + torch.stack(weighted).sum()}


def feature_distillation(spec: TrackerSpec, layers: tuple[Tensor, ...] | None, batch: Batch) -> dict[str, Tensor]:
    """The mean over the matched layers that the pool has; the last is always among them."""
    assert layers is not None
    raw = spec.head.kind in _UNNORMALISED
    pairs = [(k, t) for k, t in matched_layers(spec, batch.teacher).items() if t in batch.layers]
    losses = [feature_loss(layers[k].float(), batch.layers[t], normalised=not raw) for k, t in pairs]
    return {"feature_raw" if raw else "feature": torch.stack(losses).mean()}


def floats(maps: Mapping[str, Tensor]) -> Maps:
    """In single precision, whatever the network ran in."""
    return {name: values.float() for name, values in maps.items()}
