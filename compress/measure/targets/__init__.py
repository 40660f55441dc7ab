"""Targets: what a search can aim at, by name, and where they come from."""

from compress.measure.targets.lookup import resolve_target, same_device, target_names
from compress.measure.targets.registry import TARGETS, FixedTargets, SharedModel, TargetProvider
from compress.measure.targets.target import ModelSource, Target, Timer

__all__ = [
    "FixedTargets",
    "ModelSource",
    "SharedModel",
    "TARGETS",
    "Target",
    "TargetProvider",
    "Timer",
    "resolve_target",
    "same_device",
    "target_names",
]
