"""Trackers under onnxruntime on this host's CPU: the graphs that export writes, in fp32 or int8."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from compress.core import TrackerSpec, Way
from compress.export import bundle_graphs, frame_graph, quantized
from compress.measure.frame_loop import network_of
from compress.measure.host import host, runtime_name
from compress.measure.ways import Guide
from compress.models import Tracker
from compress.runtime import session
from compress.runtime.signatures import TEMPLATE
from compress.runtime.stages import Staged

Memory = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class OnnxRuntime:
    """See `compress.measure.runtimes.Runtime`."""

    precision: str = "fp32"
    decides: bool = True

    @property
    def version(self) -> str:
        return runtime_name()

    @property
    def device(self) -> str:
        return str(host())

    def missing(self) -> str:
        return ""

    def using(self, threads: int) -> AbstractContextManager[None]:
        """A session has threads of its own."""
        return nullcontext()

    def frame(self, tracker: Tracker | TrackerSpec, *, threads: int) -> OnnxFrame:
        model = network_of(tracker)
        return OnnxFrame(model, self._ready(frame_graph(model)), threads)

    def staged(self, tracker: Tracker | TrackerSpec, *, threads: int) -> OnnxStages:
        model = network_of(tracker)
        graphs = {
            name: self._ready(graph) for name, graph in bundle_graphs(model, "stages").items() if name != TEMPLATE
        }
        return OnnxStages(model, graphs, threads)

    def _ready(self, graph: bytes) -> bytes:
        return quantized(graph) if self.precision == "int8" else graph


class OnnxFrame:
    """One call of a frame graph."""

    def __init__(self, model: Tracker, graph: bytes, threads: int) -> None:
        self.spec = model.spec
        self._session = session(graph, threads=threads)
        self._memory = first_memory(model)

    def track(self, search: NDArray[np.float32]) -> None:
        """One call on a crop."""
        self._session.run(None, {"search": search, **self._memory})


class OnnxStages:
    """The sessions of one adaptive tracker. Frames are asked what they decide as ever, and then sent another way.

    So a network with fresh weights can be timed like a trained one.
    """

    def __init__(self, model: Tracker, graphs: Mapping[str, bytes], threads: int) -> None:
        self.spec = model.spec
        sessions = {name: session(graph, threads=threads, alone=False) for name, graph in graphs.items()}
        self._guide = Guide(model.spec)
        self._staged = Staged.of(model.spec, sessions, self._guide)
        self._memory = first_memory(model)

    def track(self, search: NDArray[np.float32], way: Way) -> Way | None:
        """One frame on one way; the way it took."""
        self._guide.follow(way)
        return self._staged.track(search, self._memory).way


@torch.no_grad()
def first_memory(model: Tracker) -> Memory:
    """What a tracker keeps of some template."""
    size = model.spec.template_size
    template = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    box = torch.tensor([[0.25, 0.25, 0.75, 0.75]]) if model.spec.target_token else None
    device = next(model.parameters()).device
    memory = model.encode_template(template.to(device), None if box is None else box.to(device))
    return {name: value.cpu().numpy() for name, value in memory.items()}
