"""Trainings that fit into memory: what the layers of a student keep for the backward pass, and when they should not."""

from __future__ import annotations

import ctypes
import os
from dataclasses import replace

import torch

from compress.core import TrackerSpec
from compress.distill.trainer_settings import TrainerSettings

MOST_ACTIVATIONS = 2_000_000_000
"""Bytes between the layers of a student from which on a CPU computes them twice instead."""

_MMAP_THRESHOLD = -3
"""`M_MMAP_THRESHOLD` of glibc's `malloc.h`."""


def activation_bytes(spec: TrackerSpec, batch: int) -> int:
    """About what the layers keep of a batch in single precision for the backward pass, but for attention maps.

    Of each token a block keeps its input, two normalised ones, queries, keys and values, what attention puts out, the
    sum behind it, and the hidden units before and after their activation.
    """
    templates = spec.memory_patches
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
    _give_back_large_blocks()
    return replace(settings, compute=replace(settings.compute, recompute="yes"))


def _give_back_large_blocks() -> None:
    """From now on the C library gives blocks above 4 MB back to the system when they are freed, where it is glibc.

    By itself it comes to keep those up to 32 MB for later, between which it then finds no room for others. What a page
    costs that comes anew is little beside what a layer of this size computes.
    """
    if os.name != "posix":
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt") and hasattr(library, "malloc_trim"):
        library.mallopt(_MMAP_THRESHOLD, 4 << 20)
        library.malloc_trim(0)
