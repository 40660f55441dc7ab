"""A tracker's graphs as a network for the frame loop, under onnxruntime on the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from compress.core import FileError, TrackerSpec
from compress.core.stages import Stage, stages
from compress.core.threads import usable_cores
from compress.geometry import NetworkOutput
from compress.runtime.manifest import Bundle
from compress.runtime.one_graph import OneGraph
from compress.runtime.sessions import run_session, session
from compress.runtime.signatures import FRAME, TEMPLATE, Form, Signature, head_file, signatures, stage_file
from compress.runtime.staged import Graph, Staged
from compress.runtime.thresholds import Thresholds

Arrays = dict[str, NDArray[np.float32]]

_TYPES = {"skipped": "tensor(bool)", "exit": "tensor(int64)"}


class GraphNetwork:
    """Implements `compress.geometry.Network` with a session for each graph of a tracker.

    Args:
        graphs: By `compress.runtime.signatures.graph_files` of either form.
        threads: onnxruntime's threads within an operator.
        alone: No other network takes turns with this one, see `session_options`.

    Raises:
        FileError: a graph cannot be loaded, or its inputs and outputs are not those of the spec.
    """

    def __init__(
        self, spec: TrackerSpec, graphs: Mapping[str, Path | bytes], *, threads: int = 1, alone: bool = True
    ) -> None:
        self.threads = threads
        self._spec = spec
        form: Form = "one" if FRAME in graphs else "stages"
        opened = partial(session, threads=threads, alone=alone and form == "one")
        sessions = {name: opened(graph) for name, graph in graphs.items()}
        _check(spec, form, sessions)
        self._template = sessions[TEMPLATE]
        self._memory = [output.name for output in self._template.get_outputs()]
        thresholds = Thresholds.of(spec)
        self._frame: OneGraph | Staged = (
            OneGraph(spec, sessions[FRAME], thresholds)
            if form == "one"
            else Staged(*stages_and_heads(spec, sessions), thresholds)
        )

    def at(self, thresholds: Thresholds) -> GraphNetwork:
        """The same sessions at other thresholds, which are inputs or decided outside of the graphs.

        Raises:
            UsageError: thresholds for a tracker with other decisions.
        """
        thresholds.check(self._spec)
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
        if self._spec.online_templates:
            repeated = np.repeat(template[:, None], self._spec.online_templates, axis=1)
            feeds["online_template"] = repeated if online_template is None else online_template
        return dict(zip(self._memory, run_session(self._template, feeds), strict=True))

    def track(self, search: NDArray[np.float32], memory: Arrays) -> NetworkOutput:
        """(1, 3, Sx, Sx) → the head's maps, and the path that led to them."""
        return self._frame.track(search, memory)


class BundleNetwork(GraphNetwork):
    """A bundle's graphs as a network.

    Args:
        threads: onnxruntime's threads within an operator; None takes the bundle's, but no more than there are cores
            here, since threads that wait for a core make a frame many times slower.
        alone: See `GraphNetwork`.

    Raises:
        FileError: a graph cannot be loaded, or its inputs and outputs are not those of the spec.
    """

    def __init__(self, bundle: Bundle, *, threads: int | None = None, alone: bool = True) -> None:
        threads = threads or min(bundle.threads, usable_cores())
        try:
            super().__init__(bundle.spec, bundle.graphs, threads=threads, alone=alone)
        except FileError as error:
            raise FileError(f"The bundle {bundle.folder} cannot be used. {error}") from error


def stages_and_heads(
    spec: TrackerSpec, sessions: Mapping[str, onnxruntime.InferenceSession]
) -> tuple[tuple[tuple[Stage, Graph], ...], dict[int | None, Graph]]:
    """The graphs of `Staged`, from sessions by `signatures.graph_files`."""
    each = tuple((stage, Graph(sessions[stage_file(stage)])) for stage in stages(spec))
    exits: tuple[int | None, ...] = tuple(range(len(spec.exits))) if spec.exits else (None,)
    return each, {exit: Graph(sessions[head_file(exit)]) for exit in exits}


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
