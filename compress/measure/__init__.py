"""Timing on real runtimes."""

from compress.measure.coverage import Coverage
from compress.measure.host import Host, host, runtime_name
from compress.measure.host_profiles import host_profile, kept_profiles, profile_path
from compress.measure.profiling import build_profile
from compress.measure.target import Target
from compress.measure.targets import resolve_target, target_names
from compress.measure.whole_trackers import measure_many, measure_whole

__all__ = [
    "Coverage",
    "Host",
    "Target",
    "build_profile",
    "host_profile",
    "host",
    "kept_profiles",
    "measure_many",
    "measure_whole",
    "profile_path",
    "resolve_target",
    "runtime_name",
    "target_names",
]
