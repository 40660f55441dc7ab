"""Hardware profiles: what the parts of a tracker cost on a device, and what a spec costs from that."""

from compress.latency.family import Family, static
from compress.latency.measured.components import components_p10_ms
from compress.latency.measured.conditions import Conditions
from compress.latency.measured.file import load_profile, save_profile
from compress.latency.measured.layers import UncoveredError, without_mlp
from compress.latency.measured.paths import cheapest_path, path_ms, path_network_ms, worst_path
from compress.latency.measured.predict import ConstraintCheck, gate, network_p10_ms, p10_ms, predict
from compress.latency.measured.profile import Block, Overhead, Point, Profile, Ratios, WholeAttention, under
from compress.latency.measured.routing_overhead import RoutingOverhead
from compress.latency.measured.validation import ValidationResult

__all__ = [
    "Block",
    "Conditions",
    "RoutingOverhead",
    "Family",
    "Overhead",
    "ValidationResult",
    "Point",
    "Profile",
    "Ratios",
    "UncoveredError",
    "ConstraintCheck",
    "WholeAttention",
    "cheapest_path",
    "gate",
    "load_profile",
    "p10_ms",
    "network_p10_ms",
    "components_p10_ms",
    "predict",
    "save_profile",
    "static",
    "under",
    "path_ms",
    "path_network_ms",
    "without_mlp",
    "worst_path",
]
