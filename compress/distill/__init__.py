"""Losses, recipes, the one trainer, pools and streams of pairs. Recipes of teachers are read without torch."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from compress.distill.recipe_file import Recipe, load_recipe, recipe_names
from compress.distill.teacher_recipe import TeacherRecipe
from compress.distill.trainer_settings import ComputeSettings, TrainerSettings

if TYPE_CHECKING:
    from compress.distill.batches import Batch, Batches, FixedPairs
    from compress.distill.checkpoint import Checkpoint
    from compress.distill.elastic import distill_elastic
    from compress.distill.elastic_file import read_elastic, save_elastic
    from compress.distill.exit_score_calibration import calibrate_exit_scores
    from compress.distill.inputs import pick_device, to_input
    from compress.distill.intermediate import distill_with_intermediate
    from compress.distill.layer_importance import removal_order
    from compress.distill.pool import Pool, distillation_pool, fixed_pairs, pair_bytes, pool_bytes
    from compress.distill.progressive import distill_progressively
    from compress.distill.recalibration import recalibrated
    from compress.distill.recipe import StudentRecipe
    from compress.distill.replacement import distill_with_replacement
    from compress.distill.stream import PairStream
    from compress.distill.student import distill
    from compress.distill.teacher import train_teacher
    from compress.distill.trainer import Trainer

# Loaded on first use, so that a command's options are known without torch.
_LAZY = {
    "Batch": "batches",
    "Batches": "batches",
    "Checkpoint": "checkpoint",
    "FixedPairs": "batches",
    "PairStream": "stream",
    "Pool": "pool",
    "StudentRecipe": "recipe",
    "Trainer": "trainer",
    "calibrate_exit_scores": "exit_score_calibration",
    "distill": "student",
    "distill_elastic": "elastic",
    "distill_progressively": "progressive",
    "distill_with_intermediate": "intermediate",
    "distill_with_replacement": "replacement",
    "distillation_pool": "pool",
    "fixed_pairs": "pool",
    "pair_bytes": "pool",
    "pick_device": "inputs",
    "pool_bytes": "pool",
    "read_elastic": "elastic_file",
    "recalibrated": "recalibration",
    "removal_order": "layer_importance",
    "save_elastic": "elastic_file",
    "to_input": "inputs",
    "train_teacher": "teacher",
}

__all__ = [
    "Batch",
    "Batches",
    "Checkpoint",
    "ComputeSettings",
    "FixedPairs",
    "PairStream",
    "Pool",
    "Recipe",
    "StudentRecipe",
    "TeacherRecipe",
    "Trainer",
    "TrainerSettings",
    "calibrate_exit_scores",
    "distill",
    "distill_elastic",
    "distill_progressively",
    "distill_with_intermediate",
    "distill_with_replacement",
    "distillation_pool",
    "load_recipe",
    "fixed_pairs",
    "pair_bytes",
    "pick_device",
    "pool_bytes",
    "read_elastic",
    "recalibrated",
    "recipe_names",
    "removal_order",
    "save_elastic",
    "to_input",
    "train_teacher",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(f"compress.distill.{_LAZY[name]}"), name)
    raise AttributeError(f"module 'compress.distill' has no attribute {name!r}")
