"""Trainings that fit into memory: what the layers of a student keep for the backward pass, and when they should not."""

from __future__ import annotations

from dataclasses import replace

import torch

from compress.core import TrackerSpec
from compress.distill.trainer_settings import TrainerSettings

MOST_ACTIVATIONS = 2_000_000_000
"""Bytes between the layers of a student from which on a CPU computes them twice instead."""


def activation_bytes(spec: TrackerSpec, batch: int) -> int:
    """About what the layers keep of a batch in single precision for the backward pass, but for attention maps.

    Of each token a block keeps its input, two normalised ones, queries, keys and values, what attention puts out, the
    sum behind it, and the hidden units before and after their activation.
    """
    templates = spec.template_patches * (1 + spec.online_templates)
    floats = 0
    for i, layer in enumerate(spec.layers):
        tokens, dim = spec.layer_shape(i)
        floats += (tokens + templates) * (8 * dim + 2 * layer.mlp_hidden)
    return 4 * batch * floats


def fitting(settings: TrainerSettings, spec: TrackerSpec, batch: int, device: torch.device) -> TrainerSettings:
    """The settings, with layers computed twice where what they would keep is more than `MOST_ACTIVATIONS` on a CPU.

    That changes nothing of what is trained, and takes about a third more time. On a GPU the user decides.
    """
    if device.type != "cpu" or activation_bytes(spec, batch) <= MOST_ACTIVATIONS:
        return settings
    return replace(settings, compute=replace(settings.compute, recompute="yes"))
