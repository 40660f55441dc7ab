"""A tracker's graphs as a network for the frame loop, under onnxruntime on the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from compress.core import CompressError, FileError, TrackerSpec
from compress.geometry import Answer
from compress.runtime.manifest import Bundle
from compress.runtime.one_graph import OneGraph
from compress.runtime.signatures import FRAME, TEMPLATE, Form, Signature, signatures
from compress.runtime.stages import Staged
from compress.runtime.thresholds import Thresholds

Arrays = dict[str, NDArray[np.float32]]

CPU = "CPUExecutionProvider"

_TYPES = {"skipped": "tensor(bool)", "exit": "tensor(int64)"}


class GraphNetwork:
    """Implements `compress.geometry.Network` with a session for each graph of a tracker.

    Args:
        graphs: By `compress.runtime.signatures.graph_files` of either form.
        threads: onnxruntime's threads within an operator.

    Raises:
        FileError: a graph cannot be loaded, or its inputs and outputs are not those of the spec.
    """

    def __init__(self, spec: TrackerSpec, graphs: Mapping[str, Path | bytes], *, threads: int = 1) -> None:
        self.threads = threads
        self._online = spec.online_templates
        form: Form = "one" if FRAME in graphs else "stages"
        opened = partial(session, threads=threads, alone=form == "one")
        sessions = {name: opened(graph) for name, graph in graphs.items()}
        _check(spec, form, sessions)
        self._template = sessions[TEMPLATE]
        self._memory = [output.name for output in self._template.get_outputs()]
        thresholds = Thresholds.of(spec)
        self._frame: OneGraph | Staged = (
            OneGraph(spec, sessions[FRAME], thresholds) if form == "one" else Staged.of(spec, sessions, thresholds)
        )

    def at(self, thresholds: Thresholds) -> GraphNetwork:
        """The same sessions at other thresholds; they stand in no graph.

        Raises:
            UsageError: thresholds for a tracker with other decisions.
        """
        thresholds.check(self._frame.spec)
        other = copy(self)
        other._frame = self._frame.at(thresholds)
        return other

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

    def track(self, search: NDArray[np.float32], memory: Arrays) -> Answer:
        """(1, 3, Sx, Sx) → the head's maps, and the path that led to them."""
        return self._frame.track(search, memory)


class BundleNetwork(GraphNetwork):
    """A bundle's graphs as a network.

    Args:
        threads: onnxruntime's threads within an operator; None takes the bundle's.

    Raises:
        FileError: a graph cannot be loaded, or its inputs and outputs are not those of the spec.
    """

    def __init__(self, bundle: Bundle, *, threads: int | None = None) -> None:
        try:
            super().__init__(bundle.spec, bundle.graphs, threads=threads or bundle.threads)
        except FileError as error:
            raise FileError(f"The bundle {bundle.folder} cannot be used. {error}") from error


def session(
    graph: Path | bytes, *, threads: int, alone: bool = True, provider: str = CPU
) -> onnxruntime.InferenceSession:
    """A session with all graph optimisations, one operator at a time.

    Args:
        provider: Of onnxruntime; what it has no kernel for runs on the CPU.
        alone: False for one of several that take turns within a frame. Their threads must not wait busily for more
            work, which keeps the cores from the next: with two threads on two busy cores, the stages of a nano
            tracker took 170 ms, and 8 ms with threads that sleep. Nor does each keep memory of its own, but takes
            what the one before has just given back, still in the cache (7.4 against 6.8 ms, one thread).

    Raises:
        FileError: onnxruntime cannot load the graph.
        CompressError: the provider does not start.
    """
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(alone)))
    options.enable_cpu_mem_arena = alone
    source = graph if isinstance(graph, bytes) else str(graph)
    try:
        opened = onnxruntime.InferenceSession(source, options, providers=list(dict.fromkeys([provider, CPU])))
    except Exception as error:  # onnxruntime's exceptions share no base of their own
        name = "The graph" if isinstance(graph, bytes) else f"The graph {graph}"
        raise FileError(f"{name} cannot be loaded by onnxruntime {onnxruntime.__version__}: {error}") from error
    if opened.get_providers()[0] != provider:
        raise CompressError(f"onnxruntime could not start {provider} and would run on {opened.get_providers()[0]}.")
    return opened


def _check(spec: TrackerSpec, form: Form, sessions: Mapping[str, onnxruntime.InferenceSession]) -> None:
    memory = {output.name: output.shape for output in sessions[TEMPLATE].get_outputs()}
    wanted = signatures(spec, form, memory)
    if set(sessions) != set(wanted):
        raise FileError(f"The graphs are {', '.join(sessions)} instead of {', '.join(wanted)}. Export them again.")
    for name, graph in sessions.items():
        problem = _problem(graph, wanted[name])
        if problem:
            raise FileError(f"The graph {name} is not usable: its {problem}. Export it again.")


def _problem(graph: onnxruntime.InferenceSession, wanted: Signature) -> str | None:
    thresholds = {name: [1] for name in wanted.thresholds}
    for what, found, shapes in (
        ("inputs", graph.get_inputs(), wanted.inputs),
        ("outputs", graph.get_outputs(), wanted.outputs),
        ("thresholds", graph.get_overridable_initializers(), thresholds),
    ):
        present = {value.name: value.shape for value in found}
        if present != shapes or any(value.type != _TYPES.get(value.name, "tensor(float)") for value in found):
            return f"{what} are {present} instead of {shapes}"
    return None
