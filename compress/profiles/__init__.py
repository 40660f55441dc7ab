"""Hardware profiles: what the parts of a tracker cost on a device, and what a spec costs from that."""

from compress.profiles.conditions import Conditions
from compress.profiles.deciding import Deciding
from compress.profiles.family import Family, static
from compress.profiles.file import load_profile, save_profile
from compress.profiles.held import Held
from compress.profiles.layers import UncoveredError, without_mlp
from compress.profiles.parts import parts_low_ms
from compress.profiles.predict import Verdict, gate, low_ms, network_low_ms, predict
from compress.profiles.profile import Block, Fixed, Point, Profile, Ratios, WholeAttention, under
from compress.profiles.ways import cheapest_way, way_ms, way_network_ms, worst_way

__all__ = [
    "Block",
    "Conditions",
    "Deciding",
    "Family",
    "Fixed",
    "Held",
    "Point",
    "Profile",
    "Ratios",
    "UncoveredError",
    "Verdict",
    "WholeAttention",
    "cheapest_way",
    "gate",
    "load_profile",
    "low_ms",
    "network_low_ms",
    "parts_low_ms",
    "predict",
    "save_profile",
    "static",
    "under",
    "way_ms",
    "way_network_ms",
    "without_mlp",
    "worst_way",
]
