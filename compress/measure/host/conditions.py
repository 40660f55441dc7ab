"""Clocks, power mode, temperature and versions of a machine, as its system reports them.

This module is packed into kits: Python 3.8 and numpy.
"""

from __future__ import annotations

import glob
import platform
import shutil
import subprocess
import time

import numpy as np

from compress.geometry.pixels import library

_CPUFREQ = "/sys/devices/system/cpu/cpu0/cpufreq/"
_BOARD = "/proc/device-tree/model"
_VARYING = ("cpu_mhz", "celsius")
_LONGEST = 300


def conditions(before: dict[str, str] | None = None) -> dict[str, str]:
    """The fields of `compress.latency.Conditions`; empty text for what is unknown.

    Args:
        before: What this returned before the run: what has changed meanwhile is given at both times.
    """
    now = {
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "loop": library(),
        "system": _joined([platform.platform(terse=True), _read("/etc/nv_tegra_release").split(",")[0]]),
        "governor": _read(_CPUFREQ + "scaling_governor"),
        "cpu_mhz": _cpu_mhz(),
        "power_mode": _command_output("nvpmodel", "-q"),
        "gpu": _gpu(),
        "celsius": _celsius(),
    }
    if before:
        for name in _VARYING:
            if before[name] and before[name] != now[name]:
                now[name] = before[name] + " before, " + now[name] + " after"
    return {name: _line(text) for name, text in now.items()}


def board() -> str:
    """The board's name where the device tree has one, e.g. of a Jetson."""
    return _line(_read(_BOARD))


def gpu_name() -> str:
    """Name of the first GPU that `nvidia-smi` knows."""
    return _line(_command_output("nvidia-smi", "--query-gpu=name", "--format=csv,noheader").split(";")[0])


def _cpu_mhz() -> str:
    clocks = [_read(_CPUFREQ + name) for name in ("scaling_min_freq", "scaling_max_freq", "scaling_cur_freq")]
    if all(clock.isdigit() for clock in clocks):
        least, most, now = (int(clock) // 1000 for clock in clocks)
        return f"{now} of {least} to {most}"
    for line in _read("/proc/cpuinfo").splitlines():
        if line.startswith("cpu MHz"):
            return line.partition(":")[2].strip().split(".")[0]
    return ""


def _gpu() -> str:
    query = "--query-gpu=name,driver_version,clocks.sm,clocks.max.sm,power.limit"
    found = [_command_output("nvidia-smi", query, "--format=csv,noheader")]
    for folder in sorted(glob.glob("/sys/class/devfreq/*")):
        now, most = (_read(folder + "/" + name) for name in ("cur_freq", "max_freq"))
        if now.isdigit() and most.isdigit():
            found.append(f"{folder.rpartition('/')[2]} {int(now) // 10**6} of {int(most) // 10**6} MHz")
    return _joined(found)


def _celsius() -> str:
    zones = [_read(path) for path in glob.glob("/sys/class/thermal/thermal_zone*/temp")]
    values = [int(zone) / 1000 for zone in zones if zone.lstrip("-").isdigit()]
    return f"{max(values):.0f}" if values else ""


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(100000).strip("\0\n ")
    except OSError:
        return ""


def _command_output(*words: str) -> str:
    """What a command of the system answers; empty where there is none, or it fails or hangs."""
    if shutil.which(words[0]) is None:
        return ""
    try:
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return _joined(done.stdout.decode("utf-8", "replace").splitlines()) if done.returncode == 0 else ""


def _joined(parts: list[str]) -> str:
    return "; ".join(part.strip() for part in parts if part.strip())


def _line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)[:_LONGEST].strip()
