"""Hardware profiles: what the parts of a tracker cost on a device, and what a spec costs from that."""

from compress.profiles.family import Family
from compress.profiles.file import load_profile, save_profile
from compress.profiles.layers import UncoveredError, without_mlp
from compress.profiles.predict import (
    Verdict,
    gate,
    low_ms,
    network_low_ms,
    parts_low_ms,
    predict,
    refuse_adaptive,
)
from compress.profiles.profile import Block, Fixed, Held, Point, Profile, Ratios, WholeAttention

__all__ = [
    "Block",
    "Family",
    "Fixed",
    "Held",
    "Point",
    "Profile",
    "Ratios",
    "UncoveredError",
    "Verdict",
    "WholeAttention",
    "gate",
    "load_profile",
    "low_ms",
    "network_low_ms",
    "parts_low_ms",
    "predict",
    "refuse_adaptive",
    "save_profile",
    "without_mlp",
]
