"""Hardware profiles: what the parts of a tracker cost on a device, and what a spec costs from that."""

from compress.profiles.file import load_profile, save_profile
from compress.profiles.predict import UncoveredError, Verdict, gate, low_ms, network_low_ms, predict
from compress.profiles.profile import Block, Family, Fixed, Held, Profile, Ratios

__all__ = [
    "Block",
    "Family",
    "Fixed",
    "Held",
    "Profile",
    "Ratios",
    "UncoveredError",
    "Verdict",
    "gate",
    "load_profile",
    "low_ms",
    "network_low_ms",
    "predict",
    "save_profile",
]
