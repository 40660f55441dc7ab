"""`Conditions`: what a device was set to while a profile was measured on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

_LONGEST = 300


@dataclass(frozen=True)
class Conditions:
    """Facts in the device's own words; empty where it does not tell.

    Attributes:
        when: UTC, ISO 8601.
        python, numpy: Versions.
        loop: What cropped the frames: `opencv` with its version, or `numpy`, which is slower.
        system: Kernel and release of the board.
        governor: Of the CPU clock (`/sys/devices/system/cpu`).
        cpu_mhz: Slowest and fastest clock allowed, and the clocks before and after the run.
        power_mode: As `nvpmodel -q` tells it.
        gpu: Name, driver and clocks, as `nvidia-smi` or `/sys/class/devfreq` tell them.
        celsius: Hottest thermal zone before and after the run.
    """

    when: str = ""
    python: str = ""
    numpy: str = ""
    loop: str = ""
    system: str = ""
    governor: str = ""
    cpu_mhz: str = ""
    power_mode: str = ""
    gpu: str = ""
    celsius: str = ""

    def problems(self) -> Iterator[str]:
        """Everything that is no fact in a line."""
        for f in fields(self):
            text = getattr(self, f.name)
            if len(text) > _LONGEST or not text.isprintable():
                yield f"{f.name} must be at most {_LONGEST} printable characters"
