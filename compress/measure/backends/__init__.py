"""Runtimes that trackers are timed under in this process, by the target that names each."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from compress.core import TrackerSpec
from compress.measure.backends.forced_paths import Sent
from compress.measure.backends.onnx import OnnxRuntime
from compress.measure.backends.pytorch import TorchRuntime
from compress.measure.timed_frame import FrameWork
from compress.models import Tracker


class Backend(Protocol):
    """What runs a tracker's frames on this host."""

    @property
    def precision(self) -> str:
        """`fp32` or `int8`."""
        ...

    @property
    def decides(self) -> bool:
        """Whether it runs trackers with bypass and exits."""
        ...

    @property
    def version(self) -> str:
        """Its name and version, as `Latency.runtime` has them."""
        ...

    @property
    def device(self) -> str:
        """What it runs on, as `Latency.device` has it."""
        ...

    def missing(self) -> str:
        """What keeps it from running here, in words; empty where nothing does."""
        ...

    def using(self, threads: int) -> AbstractContextManager[None]:
        """Within, frames run with so many threads."""
        ...

    def frame(self, tracker: Tracker | TrackerSpec, *, threads: int) -> FrameWork:
        """The work of one frame of a static tracker; specs get fresh weights."""
        ...

    def staged(self, tracker: Tracker | TrackerSpec, *, threads: int) -> Sent:
        """The work of one frame of an adaptive tracker, which can be sent along given ways."""
        ...


BACKENDS: Mapping[str, Backend] = {
    "cpu": OnnxRuntime(),
    "cpu:onnxruntime-int8": OnnxRuntime("int8"),
    "cpu:pytorch": TorchRuntime(),
    "cpu:pytorch-compiled": TorchRuntime(compiled=True),
    "gpu": OnnxRuntime(place="cuda"),
    "gpu:pytorch": TorchRuntime("cuda"),
    "gpu:pytorch-compiled": TorchRuntime("cuda", compiled=True),
}

CPU = "cpu"

_ALIASES = {
    **{f"{name}:onnxruntime{precision}": name for name in ("cpu", "gpu") for precision in ("", "-fp32")},
    **{f"{name}-fp32": name for name in BACKENDS if "pytorch" in name},
}


def local_target(name: str) -> str | None:
    """The target of this host that a name or a longer name stands for; None where it is none of `BACKENDS`."""
    target = _ALIASES.get(name, name)
    return target if target in BACKENDS else None
