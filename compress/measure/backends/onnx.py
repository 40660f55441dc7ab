"""Trackers under onnxruntime on this host's CPU or GPU: the graphs that export writes, in fp32 or int8."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Literal

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from onnxruntime import InferenceSession

from compress.core import ExecutionPath, TrackerSpec
from compress.export import bundle_graphs, frame_graph, quantized
from compress.measure.backends.forced_paths import Guide
from compress.measure.host import host, runtime_name
from compress.measure.kit_runtime.facts import gpu_name
from compress.measure.kit_runtime.sessions import PROVIDERS
from compress.measure.timed_frame import network_of
from compress.models import Tracker
from compress.runtime import session
from compress.runtime.signatures import TEMPLATE
from compress.runtime.stages import Staged

Memory = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class OnnxRuntime:
    """See `compress.measure.backends.Backend`."""

    precision: str = "fp32"
    place: Literal["cpu", "cuda"] = "cpu"
    decides: bool = True

    @property
    def version(self) -> str:
        return runtime_name()

    @property
    def device(self) -> str:
        return str(host()) if self.place == "cpu" else f"{gpu_name()}, {host()}"

    def missing(self) -> str:
        if PROVIDERS[self.place] in onnxruntime.get_available_providers():
            return ""
        return (
            f"onnxruntime has no {PROVIDERS[self.place]} here. It comes with onnxruntime-gpu, in the place of "
            "onnxruntime, and needs CUDA"
        )

    def using(self, threads: int) -> AbstractContextManager[None]:
        """A session has threads of its own."""
        return nullcontext()

    def frame(self, tracker: Tracker | TrackerSpec, *, threads: int) -> OnnxFrame:
        model = network_of(tracker)
        return OnnxFrame(model, self._opened(self._ready(frame_graph(model)), threads, alone=True))

    def staged(self, tracker: Tracker | TrackerSpec, *, threads: int) -> OnnxStages:
        model = network_of(tracker)
        graphs = {name: self._ready(each) for name, each in bundle_graphs(model, "stages").items() if name != TEMPLATE}
        opened = {name: self._opened(each, threads, alone=False) for name, each in graphs.items()}
        return OnnxStages(model, opened)

    def _ready(self, graph: bytes) -> bytes:
        return quantized(graph) if self.precision == "int8" else graph

    def _opened(self, graph: bytes, threads: int, *, alone: bool) -> InferenceSession:
        return session(graph, threads=threads, alone=alone, provider=PROVIDERS[self.place])


class OnnxFrame:
    """One call of a frame graph."""

    def __init__(self, model: Tracker, opened: InferenceSession) -> None:
        self.spec = model.spec
        self._session = opened
        self._memory = first_memory(model)

    def track(self, search: NDArray[np.float32]) -> None:
        """One call on a crop."""
        self._session.run(None, {"search": search, **self._memory})


class OnnxStages:
    """The sessions of one adaptive tracker. Frames are asked what they decide as ever, and then sent another way.

    So a network with fresh weights can be timed like a trained one.
    """

    def __init__(self, model: Tracker, sessions: Mapping[str, InferenceSession]) -> None:
        self.spec = model.spec
        self._guide = Guide(model.spec)
        self._staged = Staged.of(model.spec, sessions, self._guide)
        self._memory = first_memory(model)

    def track(self, search: NDArray[np.float32], path: ExecutionPath) -> ExecutionPath | None:
        """One frame on one way; the way it took."""
        self._guide.follow(path)
        return self._staged.track(search, self._memory).path


@torch.no_grad()
def first_memory(model: Tracker) -> Memory:
    """What a tracker keeps of some template."""
    size = model.spec.template_size
    template = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    box = torch.tensor([[0.25, 0.25, 0.75, 0.75]]) if model.spec.target_token else None
    device = next(model.parameters()).device
    memory = model.encode_template(template.to(device), None if box is None else box.to(device))
    return {name: value.cpu().numpy() for name, value in memory.items()}
