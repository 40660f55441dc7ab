"""Part of a pool to train on, and the losses over the rest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from compress.distill import Pool, StudentRecipe
from compress.distill.student import distillation_loss
from compress.models import Tracker

_SEEN = 96


def seen_pairs(pool: Pool) -> Pool:
    """The first pairs of a pool."""
    parts: dict[str, Any] = {
        name: {k: v[:_SEEN] for k, v in getattr(pool, name).items()} for name in ("maps", "layers")
    }
    return replace(pool, **parts, **{name: getattr(pool, name)[:_SEEN] for name in ("template", "search", "boxes")})


@torch.inference_mode()
def unseen_losses(student: Tracker, pool: Pool, recipe: StudentRecipe | None = None) -> dict[str, float]:
    """Over the pairs that `seen_pairs` leaves out, in eval mode."""
    rows = torch.arange(_SEEN, len(pool))
    parts = distillation_loss(student.eval(), pool, rows, recipe or StudentRecipe(), torch.device("cpu"))
    return {name: float(value) for name, value in parts.items()}
