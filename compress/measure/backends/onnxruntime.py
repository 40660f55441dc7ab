"""onnxruntime, on this host's CPU or GPU and in kits: the graphs that export writes, in fp32 or int8."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import onnxruntime

from compress.core import TrackerSpec
from compress.export import at_precision, bundle_graphs, frame_graph
from compress.measure.backends.backend import network_of
from compress.measure.budget import MeasurementBudget
from compress.measure.graph_frames import GraphFrame, GraphStages
from compress.measure.host import gpu_name, host, runtime_name
from compress.measure.kit.measure_pyz import NAME, measure_archive
from compress.measure.timing import ATTEMPTS
from compress.models import Tracker
from compress.runtime.graph_network import stages_and_heads
from compress.runtime.sessions import PROVIDERS, session
from compress.runtime.signatures import TEMPLATE
from compress.runtime.staged import Graph

_PROVIDERS = {"cpu": PROVIDERS["cpu"], "gpu": PROVIDERS["cuda"]}


@dataclass(frozen=True)
class OnnxRuntimeBackend:
    """See `compress.measure.backends.backend.Backend`."""

    precision: Literal["fp32", "int8"] = "fp32"
    place: str = "cpu"
    runtime: str = "onnxruntime"
    adaptive: bool = True

    @property
    def places(self) -> tuple[str, ...]:
        """Its kernels for int8 are the CPU's."""
        return ("cpu",) if self.precision == "int8" else ("cpu", "gpu")

    @property
    def version(self) -> str:
        return runtime_name()

    @property
    def device(self) -> str:
        return str(host()) if self.place == "cpu" else f"{gpu_name()}, {host()}"

    @property
    def kit(self) -> OnnxRuntimeKit:
        return OnnxRuntimeKit(self.precision)

    def at(self, place: str) -> OnnxRuntimeBackend:
        return replace(self, place=place)

    def missing(self) -> str:
        provider = _PROVIDERS[self.place]
        if provider in onnxruntime.get_available_providers():
            return ""
        return (
            f"onnxruntime has no {provider} here. It comes with onnxruntime-gpu, in the place of onnxruntime, and "
            "needs CUDA"
        )

    def using(self, threads: int) -> AbstractContextManager[None]:
        """A session has threads of its own."""
        return nullcontext()

    def frame(self, tracker: Tracker | TrackerSpec, *, threads: int) -> GraphFrame:
        graph = at_precision(frame_graph(network_of(tracker)), self.precision)
        return GraphFrame(Graph(session(graph, threads=threads, provider=_PROVIDERS[self.place])))

    def staged(self, tracker: Tracker | TrackerSpec, *, threads: int) -> GraphStages:
        model = network_of(tracker)
        opened = partial(session, threads=threads, alone=False, provider=_PROVIDERS[self.place])
        graphs = {name: graph for name, graph in bundle_graphs(model, "stages").items() if name != TEMPLATE}
        sessions = {name: opened(at_precision(graph, self.precision)) for name, graph in graphs.items()}
        return GraphStages(*stages_and_heads(model.spec, sessions))


@dataclass(frozen=True)
class OnnxRuntimeKit:
    """See `compress.measure.backends.backend.KitRecipe`."""

    precision: Literal["fp32", "int8"]
    format: str = "compress-results"
    run: str = f"python3 {NAME}"
    needs: str = (
        "It needs Python 3.8 or newer with numpy and onnxruntime, uses OpenCV where it is installed, and writes\n"
        "results.json."
    )

    @property
    def providers(self) -> tuple[str, ...]:
        return ("cpu",) if self.precision == "int8" else ("auto", *PROVIDERS)

    def check(self, *, adaptive: bool, threads: int) -> None:
        """All trackers, with any number of threads."""

    def graph(self, graph: bytes) -> bytes:
        return at_precision(graph, self.precision)

    def schedule(self, budget: MeasurementBudget, rounds: int) -> dict[str, int]:
        counts = {"rounds": rounds, "dropped": budget.dropped, "timed": budget.timed}
        return counts | {"attempts": ATTEMPTS, "seed": 0}

    def scripts(self) -> dict[str, bytes]:
        return {NAME: measure_archive()}

    def lists(self, kit: Mapping[str, Any], sums: Mapping[str, str]) -> dict[str, str]:
        return {}

    def results(self, body: dict[str, Any]) -> dict[str, Any]:
        return body
