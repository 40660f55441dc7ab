"""A bundle's graphs as a network for the frame loop, under onnxruntime on the CPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from compress.core import FileError
from compress.runtime.manifest import Bundle

Arrays = dict[str, NDArray[np.float32]]


class BundleNetwork:
    """Implements `compress.geometry.Network` with the two sessions of a bundle.

    Plain runs, not bound buffers: binding the memory and the maps gained 1% (4.31 against 4.37 ms, nano, one thread).

    Args:
        threads: onnxruntime's threads within an operator; None takes the bundle's.

    Raises:
        FileError: a graph cannot be loaded, or its inputs and outputs are not those of the spec.
    """

    def __init__(self, bundle: Bundle, *, threads: int | None = None) -> None:
        self.threads = threads or bundle.threads
        self._template = session(bundle.graph("template.onnx"), threads=self.threads)
        self._frame = session(bundle.graph("frame.onnx"), threads=self.threads)
        self._memory = [output.name for output in self._template.get_outputs()]
        self._maps = [output.name for output in self._frame.get_outputs()]
        problem = _problem(bundle, self._template, self._frame)
        if problem:
            raise FileError(f"The graphs of the bundle {bundle.folder} are not usable: {problem}. Export it again.")

    def encode_template(self, template: NDArray[np.float32], template_box: NDArray[np.float32] | None = None) -> Arrays:
        """(1, 3, Sz, Sz), and (1, 4) where there is a target token → the memory, kept for the whole sequence."""
        feeds = {"template": template}
        if template_box is not None:
            feeds["template_box"] = template_box
        return dict(zip(self._memory, self._template.run(None, feeds), strict=True))

    def track(self, search: NDArray[np.float32], memory: Arrays) -> Arrays:
        """(1, 3, Sx, Sx) → `score_map`, `size_map`, `offset_map`."""
        return dict(zip(self._maps, self._frame.run(None, {"search": search, **memory}), strict=True))


def session(graph: Path | bytes, *, threads: int) -> onnxruntime.InferenceSession:
    """A CPU session with all graph optimisations, one operator at a time.

    Raises:
        FileError: onnxruntime cannot load the graph.
    """
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    source = graph if isinstance(graph, bytes) else str(graph)
    try:
        return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions share no base of their own
        name = "The graph" if isinstance(graph, bytes) else f"The graph {graph}"
        raise FileError(f"{name} cannot be loaded by onnxruntime {onnxruntime.__version__}: {error}") from error


def _problem(bundle: Bundle, template: onnxruntime.InferenceSession, frame: onnxruntime.InferenceSession) -> str | None:
    spec = bundle.spec
    n = spec.grid
    crops = {"template": [1, 3, spec.template_size, spec.template_size]}
    if spec.target_token:
        crops["template_box"] = [1, 4]
    memory = {output.name: output.shape for output in template.get_outputs()}
    maps = {"score_map": [1, 1, n, n], "size_map": [1, 2, n, n], "offset_map": [1, 2, n, n]}
    search = {"search": [1, 3, spec.search_size, spec.search_size]}
    for what, found, wanted in (
        ("inputs of template.onnx", template.get_inputs(), crops),
        ("inputs of frame.onnx", frame.get_inputs(), search | memory),
        ("outputs of frame.onnx", frame.get_outputs(), maps),
    ):
        shapes = {value.name: value.shape for value in found}
        if shapes != wanted or any(value.type != "tensor(float)" for value in found):
            return f"the {what} are {shapes} instead of {wanted}"
    return None
