"""Losses, schedules and training loops: the inner loop of the search."""

from compress.distill.optimise import pick_device
from compress.distill.teacher import TeacherRecipe, train_teacher

__all__ = ["TeacherRecipe", "pick_device", "train_teacher"]
