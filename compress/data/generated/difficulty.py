"""Named difficulties: what makes a generated sequence hard, each with a level in [0, 1]."""

from __future__ import annotations

from collections.abc import Mapping

from compress.core import unknown_name
from compress.data.generated.textures import Random

DIFFICULTIES = (
    "aspect",
    "camera",
    "deformation",
    "distractors",
    "fast_motion",
    "illumination",
    "low_contrast",
    "low_resolution",
    "motion_blur",
    "occlusion",
    "rotation",
    "scale",
    "transparency",
)

Levels = Mapping[str, float]


def levels_of(name: str, *, level: float = 0.9, rest: float = 0.2) -> dict[str, float]:
    """Levels of a sequence whose difficulty is `name`, or `mixed`: every difficulty halfway.

    Raises:
        UsageError: unknown difficulty, with close matches.
    """
    if name == "mixed":
        return dict.fromkeys(DIFFICULTIES, (level + rest) / 2)
    if name not in DIFFICULTIES:
        raise unknown_name("difficulty", name, (*DIFFICULTIES, "mixed"))
    return {d: level if d == name else rest for d in DIFFICULTIES}


def random_levels(rng: Random) -> dict[str, float]:
    """Levels for training: each most often low, now and then high."""
    return {d: float(rng.random() ** 2) for d in DIFFICULTIES}
