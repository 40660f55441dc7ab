"""A student's weights from its teacher's: layers chosen, MLPs cut, dimensions reduced.

Inheriting with the teacher's own spec reproduces the teacher bit for bit, and cutting units that contribute
nothing leaves the function as it was; the tests hold both.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from compress.core import LayerSpec, TrackerSpec, UsageError
from compress.models import Tracker, VitTracker, build
from compress.surgery.layer import TeacherBlock, cut_attention, cut_mlp
from compress.surgery.rank import observe

Rank = Literal["importance", "leading"]

# What the inherited tensors' shapes and meaning hang on.
_SHARED = ("backbone", "dim", "heads", "patch", "template_size", "search_size", "head", "final_norm", "target_token")


def inherit(
    teacher: Tracker,
    spec: TrackerSpec,
    *,
    mlp_rank: Rank = "importance",
    calibration: tuple[Tensor, Tensor] | None = None,
) -> Tracker:
    """A student of `spec` whose layer j starts from the teacher's layer `spec.layers[j].source`.

    Embeddings, final norm and head are copied; a change of attention keeps the weights. Dimensions are ranked
    within each layer (ABTrack, Table 8), values within each head.

    Args:
        mlp_rank: Hidden units to keep: the first ones, or the most important ones. Without calibration the
            importance is ‖row of fc1‖·‖column of fc2‖, with it the mean |activation|·‖column of fc2‖.
        calibration: Normalised crops (template (B, 3, Sz, Sz), search (B, 3, Sx, Sx)). What removed units
            contribute on the average then goes into the biases.

    Returns:
        The student on the teacher's device and in its mode, sharing no memory with it.

    Raises:
        UsageError: a source layer or width the teacher does not have, or specs that differ in what is shared.
    """
    if mlp_rank not in ("importance", "leading"):
        raise UsageError(f"mlp_rank must be 'importance' or 'leading' but is {mlp_rank!r}.")
    _check(teacher.spec, spec)
    assert isinstance(teacher, VitTracker)
    seen = None if calibration is None else observe(teacher, *calibration)
    state = {k: v for k, v in teacher.state_dict().items() if not k.startswith("backbone.blocks.")}
    for j, layer in enumerate(spec.layers):
        old = TeacherBlock(dict(teacher.backbone.blocks[layer.source].state_dict()), seen, f"{layer.source}.")
        new = old.state | cut_attention(old, layer, spec) | cut_mlp(old, layer, leading=mlp_rank == "leading")
        state |= {f"backbone.blocks.{j}.{k}": v for k, v in new.items()}
    with torch.device("meta"):  # nothing is drawn only to be overwritten
        student = build(spec)
    student.load_state_dict({k: v.detach().clone() for k, v in state.items()}, assign=True)
    return student.train(teacher.training)


def _check(teacher: TrackerSpec, student: TrackerSpec) -> None:
    problems = [
        f"{name} is {getattr(student, name)} and the teacher's is {getattr(teacher, name)}"
        for name in _SHARED
        if getattr(student, name) != getattr(teacher, name)
    ]
    for j, layer in enumerate(student.layers):
        if layer.source >= len(teacher.layers):
            problems.append(f"layers[{j}].source is {layer.source} and the teacher has {len(teacher.layers)} layers")
        else:
            problems += _layer_problems(j, teacher.dim, teacher.layers[layer.source], layer)
    if problems:
        raise UsageError("This student cannot inherit from this teacher: " + "; ".join(problems) + ".")


def _layer_problems(j: int, dim: int, teacher: LayerSpec, student: LayerSpec) -> list[str]:
    widths = {
        "mlp_hidden": (student.mlp_hidden, teacher.mlp_hidden),
        "attn_dims": (student.attn_dims or dim, teacher.attn_dims or dim),
        "mlp_dims": (student.mlp_dims or dim, teacher.mlp_dims or dim),
    }
    return [
        f"layers[{j}].{name} is {wanted} and the teacher's layer {student.source} has {held}"
        for name, (wanted, held) in widths.items()
        if wanted > held
    ]
