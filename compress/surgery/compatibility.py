"""Whether a student can start from a teacher, and all the reasons why not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from compress.core import LayerSpec, TrackerSpec, UsageError
from compress.spaces import FIXED_KNOBS

# What the inherited tensors' shapes and meaning depend on.
_SHARED = (
    "backbone",
    "dim",
    "heads",
    "patch",
    "final_norm",
    "target_token",
    "position",
    "online_templates",
)


_SIZES = ("template_size", "search_size")
"""Likewise where a backbone cannot vary them: others' positions are interpolated."""


def check_fit(teacher: TrackerSpec, student: TrackerSpec) -> None:
    """Raise UsageError unless a student can inherit from a teacher, naming every reason."""
    found = [*_shared(teacher, student), *_stages(teacher, student)]
    for j, layer in enumerate(student.layers):
        found += _layer(j, teacher, layer)
    if found:
        raise UsageError(
            "This student cannot inherit from this teacher: "
            + "; ".join(found)
            + ". Change these, or take another teacher."
        )


def fresh_head(teacher: TrackerSpec, student: TrackerSpec) -> bool:
    """Whether prediction tokens take the place of a teacher's corner maps (MixFormerV2, §3.2.1), drawn anew."""
    return student.head.kind == "tokens" and teacher.head.kind in ("corner", "pyramid") and not student.head.score


def _shared(teacher: TrackerSpec, student: TrackerSpec) -> Iterator[str]:
    fixed = FIXED_KNOBS[teacher.backbone] if teacher.backbone == student.backbone else {}
    names = (*_SHARED, *(name for name in _SIZES if name in fixed))
    for name in names if fresh_head(teacher, student) else (*names, "head"):
        wanted, available = getattr(student, name), getattr(teacher, name)
        if wanted != available:
            yield f"{name} is {wanted} and the teacher's is {available}"


def _stages(teacher: TrackerSpec, student: TrackerSpec) -> Iterator[str]:
    for i, (wanted, available) in enumerate(zip(student.stages, teacher.stages, strict=False)):
        if replace(wanted, shrink_hidden=available.shrink_hidden) != available:
            yield f"stages[{i}] is {wanted} and the teacher's is {available}"
        elif wanted.shrink_hidden > available.shrink_hidden:
            yield f"stages[{i}].shrink_hidden is {wanted.shrink_hidden} and the teacher's is {available.shrink_hidden}"


def _layer(j: int, teacher: TrackerSpec, student: LayerSpec) -> Iterator[str]:
    if student.source >= len(teacher.layers):
        yield f"layers[{j}].source is {student.source} and the teacher has {len(teacher.layers)} layers"
        return
    source = teacher.layers[student.source]
    if student.stage != source.stage:
        yield f"layers[{j}] is in stage {student.stage} and the teacher's layer {student.source} in {source.stage}"
    widths = {
        "mlp_hidden": (student.mlp_hidden, source.mlp_hidden),
        "attn_dims": (student.attn_dims or teacher.dim, source.attn_dims or teacher.dim),
        "mlp_dims": (student.mlp_dims or teacher.dim, source.mlp_dims or teacher.dim),
        "heads": (student.heads or teacher.heads, source.heads or teacher.heads),
    }
    for name, (wanted, available) in widths.items():
        if wanted > available:
            yield f"layers[{j}].{name} is {wanted} and the teacher's layer {student.source} has {available}"
