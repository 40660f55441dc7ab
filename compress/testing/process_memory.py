"""What a process and its children hold in memory, counting pages that several share once (PSS). Linux."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import sleep

_PROC = Path("/proc")


def resident_bytes(pid: int) -> int:
    """Of a process and all that descend from it now; those that end meanwhile do not count."""
    return sum(map(_pss, _tree(pid)))


def peak_bytes(pid: int, running: Callable[[], bool], *, every_s: float = 1.0) -> int:
    """The most that they held while `running`, looked at every so often."""
    peak = 0
    while running():
        peak = max(peak, resident_bytes(pid))
        sleep(every_s)
    return peak


def _tree(pid: int) -> list[int]:
    parents = {int(path.name): _parent(path) for path in _PROC.iterdir() if path.name.isdigit()}
    found = [pid]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found


def _parent(path: Path) -> int:
    try:
        # Behind the name, which stands in brackets and may hold anything.
        return int((path / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def _pss(pid: int) -> int:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))
