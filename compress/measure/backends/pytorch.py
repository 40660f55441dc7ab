"""PyTorch, eager or compiled, on this host's CPU or GPU."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from compress.core import ExecutionPath, TrackerSpec, UsageError
from compress.core.threads import check_threads
from compress.measure.backends.backend import network_of
from compress.measure.host import host
from compress.models import NumpyNetwork, Tracker


@dataclass(frozen=True)
class PyTorchBackend:
    """See `compress.measure.backends.backend.Backend`. Answers are read back, which waits for the GPU."""

    compiled: bool = False
    place: str = "cpu"
    runtime: str = "pytorch"
    precision: str = "fp32"
    places: tuple[str, ...] = ("cpu", "gpu")
    kit: None = None

    @property
    def adaptive(self) -> bool:
        """A compiled network cannot ask what comes next."""
        return not self.compiled

    @property
    def version(self) -> str:
        return f"PyTorch {version('torch')} {'compiled' if self.compiled else 'eager'}"

    @property
    def device(self) -> str:
        return f"{torch.cuda.get_device_name(0)}, {host()}" if self.place == "gpu" else str(host())

    def at(self, place: str) -> PyTorchBackend:
        return replace(self, place=place)

    def missing(self) -> str:
        if self.place == "gpu" and not torch.cuda.is_available():
            return "PyTorch finds no GPU here. It needs one, its driver, and torch's CUDA build"
        if self.compiled and not any(map(shutil.which, ("g++", "c++", "clang++"))):
            return "torch.compile finds no C++ compiler (g++ or clang++)"
        if self.compiled and self.place == "cpu" and os.environ.get("ATEN_CPU_CAPABILITY"):
            return "ATEN_CPU_CAPABILITY is set, and torch.compile writes code for the processor as it is"
        return ""

    @contextmanager
    def using(self, threads: int) -> Iterator[None]:
        """PyTorch's threads belong to the process, which gets its own back."""
        check_threads(threads)
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    def frame(self, tracker: Tracker | TrackerSpec, *, threads: int) -> PyTorchFrame:
        return PyTorchFrame(network_of(tracker), self._device, compiled=self.compiled)

    def staged(self, tracker: Tracker | TrackerSpec, *, threads: int) -> PyTorchPaths:
        if self.compiled:
            raise UsageError("Trackers with bypass or exits are not timed under compiled PyTorch. Use cpu:pytorch.")
        return PyTorchPaths(PyTorchFrame(network_of(tracker), self._device))

    @property
    def _device(self) -> str:
        return "cuda" if self.place == "gpu" else "cpu"


class PyTorchFrame:
    """Frames of one network against a template at hand."""

    def __init__(self, model: Tracker, device: str, *, compiled: bool = False) -> None:
        self.network = NumpyNetwork(model, device, compiled=compiled)
        rng, size = np.random.default_rng(0), model.spec.template_size
        template = rng.standard_normal((1, 3, size, size)).astype(np.float32)
        box = np.array([0.25, 0.25, 0.75, 0.75], np.float32) if model.spec.target_token else None
        self.memory: Any = self.network.encode_template(template, box)

    def track(self, search: NDArray[np.float32]) -> None:
        """One call on a crop."""
        self.network.track(search, self.memory)


class PyTorchPaths:
    """An adaptive network that computes the execution path it is given."""

    def __init__(self, frame: PyTorchFrame) -> None:
        self._frame = frame

    def track(self, search: NDArray[np.float32], path: ExecutionPath) -> ExecutionPath | None:
        """One frame along a path; the path it took."""
        return self._frame.network.along(path).track(search, self._frame.memory).path
