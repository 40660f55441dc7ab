"""Runtimes that trackers are timed under, here and on other devices: one class each, in one registry."""

from compress.measure.backends.backend import Backend, KitRecipe
from compress.measure.backends.table import (
    BACKENDS,
    CPU,
    host_backend,
    host_backends,
    local_target,
    split_target,
    target_name,
    targets_by_precision,
)

__all__ = [
    "BACKENDS",
    "CPU",
    "Backend",
    "KitRecipe",
    "host_backend",
    "host_backends",
    "local_target",
    "split_target",
    "target_name",
    "targets_by_precision",
]
