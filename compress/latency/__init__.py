"""Latency of specs: the protocol `LatencyModel`, profiles of measured components, estimates from published speeds."""

from compress.latency.by_precision import LatencyByPrecision
from compress.latency.cascade import cascade_latency
from compress.latency.family import Family, static
from compress.latency.measured.components import components_p10_ms
from compress.latency.measured.file import load_profile, save_profile
from compress.latency.measured.layers import without_mlp
from compress.latency.measured.model import MeasuredLatency
from compress.latency.measured.paths import path_ms, path_network_ms
from compress.latency.measured.predict import network_p10_ms, p10_ms, predict
from compress.latency.measured.profile import Profile
from compress.latency.measured.profile_fields import (
    BlockCost,
    Conditions,
    Overhead,
    Point,
    Ratios,
    RoutingOverhead,
    ValidationResult,
    WholeAttention,
    runtime_label,
)
from compress.latency.model import LatencyErrors, LatencyModel, UncoveredError, gate

__all__ = [
    "BlockCost",
    "cascade_latency",
    "components_p10_ms",
    "Conditions",
    "Family",
    "gate",
    "LatencyByPrecision",
    "LatencyErrors",
    "LatencyModel",
    "load_profile",
    "MeasuredLatency",
    "network_p10_ms",
    "Overhead",
    "p10_ms",
    "path_ms",
    "path_network_ms",
    "Point",
    "predict",
    "Profile",
    "Ratios",
    "RoutingOverhead",
    "save_profile",
    "static",
    "UncoveredError",
    "runtime_label",
    "ValidationResult",
    "WholeAttention",
    "without_mlp",
]
