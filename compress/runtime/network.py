"""A bundle's graphs as a network for the frame loop, under onnxruntime on the CPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from compress.core import FileError, TrackerSpec
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
        self._online = bundle.spec.online_templates
        self._template = session(bundle.graph("template.onnx"), threads=self.threads)
        self._frame = session(bundle.graph("frame.onnx"), threads=self.threads)
        self._memory = [output.name for output in self._template.get_outputs()]
        self._maps = [output.name for output in self._frame.get_outputs()]
        problem = _problem(bundle.spec, self._template, self._frame)
        if problem:
            raise FileError(f"The graphs of the bundle {bundle.folder} are not usable: {problem}. Export it again.")

    def encode_template(
        self,
        template: NDArray[np.float32],
        template_box: NDArray[np.float32] | None = None,
        online_template: NDArray[np.float32] | None = None,
    ) -> Arrays:
        """The memory of a sequence, or of its part up to the next renewed template.

        Args:
            template: (1, 3, Sz, Sz).
            template_box: (1, 4), where there is a target token.
            online_template: (1, K, 3, Sz, Sz), where there are K online templates; None takes the template again.
        """
        feeds = {"template": template}
        if template_box is not None:
            feeds["template_box"] = template_box
        if self._online:
            repeated = np.repeat(template[:, None], self._online, axis=1)
            feeds["online_template"] = repeated if online_template is None else online_template
        return dict(zip(self._memory, self._template.run(None, feeds), strict=True))

    def track(self, search: NDArray[np.float32], memory: Arrays) -> Arrays:
        """(1, 3, Sx, Sx) → the head's maps."""
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


def template_inputs(spec: TrackerSpec) -> dict[str, list[int]]:
    """Names and shapes of what the template graph takes, in order."""
    crop = [3, spec.template_size, spec.template_size]
    inputs = {"template": [1, *crop]}
    if spec.target_token:
        inputs["template_box"] = [1, 4]
    if spec.online_templates:
        inputs["online_template"] = [1, spec.online_templates, *crop]
    return inputs


def _problem(
    spec: TrackerSpec, template: onnxruntime.InferenceSession, frame: onnxruntime.InferenceSession
) -> str | None:
    memory = {output.name: output.shape for output in template.get_outputs()}
    maps = {name: [1, *shape] for name, shape in spec.maps.items()}
    search = {"search": [1, 3, spec.search_size, spec.search_size]}
    for what, found, wanted in (
        ("inputs of template.onnx", template.get_inputs(), template_inputs(spec)),
        ("inputs of frame.onnx", frame.get_inputs(), search | memory),
        ("outputs of frame.onnx", frame.get_outputs(), maps),
    ):
        shapes = {value.name: value.shape for value in found}
        if shapes != wanted or any(value.type != "tensor(float)" for value in found):
            return f"the {what} are {shapes} instead of {wanted}"
    return None
