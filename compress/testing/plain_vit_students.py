"""Students of a plain ViT-B teacher, one change at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from compress.core import TrackerSpec, describe
from compress.spaces import load_space

TEACHER = describe("ostrack256")
SPACE = load_space("full")

KEPT: dict[str, Any] = {
    "depth": 12,
    "layers": "even",
    "interaction": "joint",
    "mlp_ratio": 4,
    "dr_ratio": 0,
    "heads": 1,
    "bypass": "never",
    "tau0": 0.4,
    "n_enf": 2,
    "exits": "never",
    "adapters": 2,
    "keep_ratio": "never",
    "keep_after": "first",
    "keep_by": "attention",
    "search_size": 1,
    "template_size": 1,
    "keep_template": 1,
    "precision": "fp32",
}
"""The choices of the full space that leave the teacher as it is."""


def student(teacher: TrackerSpec = TEACHER, **choices: Any) -> TrackerSpec:
    """The teacher with some choices of the full space made otherwise."""
    chosen = KEPT | choices
    return SPACE.spec(teacher, lambda name, values: chosen[name])


def each_layer(spec: TrackerSpec, change: Callable[[Any], dict[str, Any]]) -> TrackerSpec:
    """`spec` with fields of every layer replaced."""
    return replace(spec, layers=tuple(replace(layer, **change(layer)) for layer in spec.layers))
