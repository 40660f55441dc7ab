"""What a teacher answers about pairs: asked once for a pool, or at every step of a stream."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from compress.core import ExecutionPath, TrackerSpec
from compress.distill.compute import half_type
from compress.distill.feature_distillation import distilled_layers
from compress.models import Tracker

_MOST_PAIRS, _MOST_BYTES = 64, 16_000_000
"""Asked at once on a CPU: pairs, and bytes of their search tokens behind one layer."""


def answers_of(teacher: Tracker, template: Tensor, search: Tensor) -> dict[str, Tensor]:
    """The teacher's maps and tokens about crops (B, 3, S, S) on its device, by the names of a pool's file; float16.

    It runs in half precision on a GPU, and in single precision on a CPU. In either case the answers are rounded to
    half precision, so that kept ones and those of a stream are the same.

    Args:
        teacher: In eval mode.
    """
    count = len(search) if search.is_cuda else at_once(teacher.spec)
    starts = range(0, len(search), count)
    parts = [_asked(teacher, template[start : start + count], search[start : start + count]) for start in starts]
    return parts[0] if len(parts) == 1 else {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def at_once(spec: TrackerSpec) -> int:
    """Pairs that a CPU asks a teacher about at once, so that what is between its layers stays small."""
    largest = max(math.prod(spec.layer_shape(i)) for i in distilled_layers(spec))
    return max(1, min(_MOST_PAIRS, _MOST_BYTES // (4 * largest)))


def layer_name(index: int) -> str:
    """What the tokens after a layer are called among the answers."""
    return f"layer{index}"


@torch.no_grad()
def _asked(teacher: Tracker, template: Tensor, search: Tensor) -> dict[str, Tensor]:
    spec = teacher.spec
    last = len(spec.exits) - 1
    # Of an adaptive teacher the best answers count: no layer skipped, the last exit.
    whole = ExecutionPath(skipped=frozenset(), exit=last if last >= 0 else None)
    half = half_type("auto", search.device)
    with torch.autocast(search.device.type, half or torch.bfloat16, enabled=half is not None):
        out = teacher(template, search, collect=True, forced_path=whole)
    assert out.layers is not None
    found = {**out.maps, **{layer_name(i): out.layers[i] for i in distilled_layers(spec)}}
    return {name: values.half() for name, values in found.items()}
