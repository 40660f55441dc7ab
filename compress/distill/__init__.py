"""Losses, schedules and training loops: the inner loop of the search."""

from compress.distill.checkpoint import Checkpoint
from compress.distill.inputs import pick_device, to_input
from compress.distill.pool import Pool, distillation_pool, pool_bytes
from compress.distill.progressive import distill_progressively
from compress.distill.recipe import StudentRecipe
from compress.distill.student import distill
from compress.distill.teacher import TeacherRecipe, train_teacher
from compress.distill.trainer import Trainer, TrainerSettings

__all__ = [
    "Checkpoint",
    "Pool",
    "StudentRecipe",
    "TeacherRecipe",
    "Trainer",
    "TrainerSettings",
    "distill",
    "distill_progressively",
    "distillation_pool",
    "pick_device",
    "pool_bytes",
    "to_input",
    "train_teacher",
]
