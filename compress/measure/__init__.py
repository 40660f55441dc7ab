"""Timing on real runtimes."""

from compress.measure.coverage import Coverage
from compress.measure.host import Host, host, runtime_name
from compress.measure.host_profiles import host_profile, kept_profiles, profile_path
from compress.measure.profiling import build_profile
from compress.measure.targets import (
    TARGETS,
    FixedTargets,
    ModelSource,
    SharedModel,
    Target,
    TargetProvider,
    Timer,
    resolve_target,
    same_device,
    target_names,
)
from compress.measure.timed_cascade import CascadePair
from compress.measure.timed_trackers import Timed
from compress.measure.whole_trackers import measure_many, measure_whole

__all__ = [
    "CascadePair",
    "Coverage",
    "FixedTargets",
    "Host",
    "ModelSource",
    "SharedModel",
    "TARGETS",
    "Target",
    "TargetProvider",
    "Timed",
    "Timer",
    "build_profile",
    "host_profile",
    "host",
    "kept_profiles",
    "measure_many",
    "measure_whole",
    "profile_path",
    "resolve_target",
    "runtime_name",
    "same_device",
    "target_names",
]
