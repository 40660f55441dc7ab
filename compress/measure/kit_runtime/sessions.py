"""The graphs of a kit in onnxruntime sessions, ready to be timed. This file travels in kits."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider", "tensorrt": "TensorrtExecutionProvider"}


class KitError(Exception):
    """What keeps a kit from being measured, in words for the person at the device."""


def provider_of(wanted: str) -> str:
    """Name of the provider to use: `auto` takes CUDA where there is one."""
    there = onnxruntime.get_available_providers()
    if wanted == "auto":
        wanted = "cuda" if PROVIDERS["cuda"] in there else "cpu"
    if PROVIDERS[wanted] not in there:
        raise KitError(f"onnxruntime has no {PROVIDERS[wanted]} here, only {', '.join(there)}.")
    return PROVIDERS[wanted]


def checked(path: str, sha256: str) -> bytes:
    """The bytes of a file of the kit, if it is what it was."""
    with open(path, "rb") as file:
        data = file.read()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise KitError(f"{path} is not the file that the kit was written with. Copy the kit again.")
    return data


def open_call(kit: dict[str, Any], folder: str, steps: list[str], provider: str) -> Callable[[Any], None]:
    """What one frame runs: a graph, or the stages on one way through an adaptive tracker."""
    graphs = []
    for name in steps:
        about = kit["graphs"][name]
        path = os.path.join(folder, about["file"])
        checked(path, about["sha256"])
        graphs.append(_Graph(_session(path, kit["threads"], provider, alone=len(steps) == 1)))
    memory = _memory(graphs)
    if len(graphs) > 1:
        return lambda search: _staged(graphs, dict(memory, search=search))
    run = graphs[0].session.run
    return lambda search: run(None, dict(memory, search=search))


class _Graph:
    """A session with the names of what it takes and gives."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.inputs = [value.name for value in session.get_inputs()]
        self.outputs = [value.name for value in session.get_outputs()]

    def __call__(self, known: dict[str, Any]) -> None:
        found = self.session.run(None, {name: known[name] for name in self.inputs})
        for i, name in enumerate(self.outputs):
            known[name] = found[i]


def _memory(graphs: list[_Graph]) -> dict[str, Any]:
    """Random numbers for whatever is kept of the template: inputs that no graph before gives."""
    rng, given, memory = np.random.default_rng(0), {"search", "x", "recycled"}, {}
    for graph in graphs:
        for value in graph.session.get_inputs():
            if value.name not in given:
                memory[value.name] = rng.standard_normal(value.shape).astype(np.float32)
        given.update(graph.inputs, graph.outputs)
    return memory


def _staged(graphs: list[_Graph], known: dict[str, Any]) -> None:
    """As `compress.runtime.stages` runs them, reading what is decided on."""
    for graph in graphs:
        graph(known)
        if "y" in known:
            known["x"] = known.pop("y")
        if "adapted" in known:
            known["recycled"] = known["adapted"]
        for name in ("bypass", "score"):
            if name in known:
                float(known[name].flat[0])


def _session(path: str, threads: int, provider: str, alone: bool) -> Any:
    """As `compress.runtime.session` opens it."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(alone)))
    options.enable_cpu_mem_arena = alone
    chain = [provider] if provider == PROVIDERS["cpu"] else [provider, PROVIDERS["cpu"]]
    opened = onnxruntime.InferenceSession(path, options, providers=chain)
    if opened.get_providers()[0] != provider:
        raise KitError(f"onnxruntime could not start {provider} and would run on {opened.get_providers()[0]}.")
    return opened
