"""This host: what makes two latencies measured at different times comparable.

This module is packed into kits: Python 3.8.
"""

from __future__ import annotations

import hashlib
import platform
from dataclasses import asdict, dataclass
from pathlib import Path

from compress.core.threads import usable_cores

_CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Host:
    """The processor as this process may use it.

    Attributes:
        cpu: Model name; with family, model and stepping where the system has them: virtual machines share names.
        cores: Cores this process may run on.
    """

    cpu: str
    cores: int
    system: str
    machine: str

    def __str__(self) -> str:
        return f"{self.cpu}, {self.cores} cores, {self.system} {self.machine}"

    @property
    def id(self) -> str:
        """Short hash; equal on equal hosts."""
        text = repr(sorted(asdict(self).items()))
        return hashlib.sha256(text.encode()).hexdigest()[:10]


def host() -> Host:
    """The host this process runs on."""
    return Host(cpu=_cpu(), cores=usable_cores(), system=platform.system(), machine=platform.machine())


def runtime_name() -> str:
    """onnxruntime with its version."""
    from importlib.metadata import version

    return f"onnxruntime {version('onnxruntime')}"


def _cpu() -> str:
    facts = _cpuinfo()
    name = " ".join((facts.get("model name") or platform.processor() or platform.machine() or "unknown").split())
    numbers = [facts.get(k) for k in ("cpu family", "model", "stepping")]
    return f"{name} ({'-'.join(n for n in numbers if n)})" if all(numbers) else name


def _cpuinfo() -> dict[str, str]:
    """Facts of the first processor; empty where the system keeps no such file."""
    try:
        first = _CPUINFO.read_text(encoding="utf-8", errors="replace").split("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}
