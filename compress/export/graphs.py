"""ONNX graphs of a tracker: template work, done once per sequence, apart from per-frame work."""

from __future__ import annotations

import torch
from torch import Tensor

from compress.core import ExecutionPath, TrackerSpec, UsageError
from compress.export.single_graph import composed
from compress.export.stages import path_graph, stage_graphs
from compress.export.tracing import traced
from compress.models import Tracker, fused
from compress.runtime.signatures import FRAME, TEMPLATE, Form, default_form, template_inputs


def bundle_graphs(model: Tracker, form: Form | None = None) -> dict[str, bytes]:
    """All graphs of a bundle, by the names of `compress.runtime.signatures.graph_files`.

    Args:
        form: How the work of a frame is kept; by default as stages where it depends on the frame, else as one graph.

    Raises:
        UsageError: stages of a tracker whose work does not depend on the frame.
    """
    ready, form = _ready(model), form or default_form(model.spec)
    if form == "stages" and not model.spec.adaptive:
        raise UsageError(f"The tracker {model.spec.id} does the same work for every frame, so it has no stages.")
    template = {TEMPLATE: _template_graph(ready)}
    if not (model.spec.bypass or model.spec.exits):
        return template | {FRAME: _frame_graph(ready)}
    memory = _memory(ready)
    graphs = stage_graphs(ready, memory)
    return template | (graphs if form == "stages" else {FRAME: composed(model.spec, graphs, _shapes(memory))})


def template_graph(model: Tracker) -> bytes:
    """Serialised ONNX graph of `model.encode_template`, weights inside, batch 1, float32.

    Inputs: `template` (1, 3, Sz, Sz) normalised; `template_box` (1, 4) x1, y1, x2, y2 in shares of the crop where
    the spec has a target token; `online_template` (1, K, 3, Sz, Sz) where it has K online templates. Outputs: the
    memory, under the names `encode_template` gives it.
    """
    return _template_graph(_ready(model))


def frame_graph(model: Tracker, path: ExecutionPath | None = None) -> bytes:
    """Serialised ONNX graph of `model.track`, weights inside, batch 1, float32, without any decision in it.

    Inputs: `search` (1, 3, Sx, Sx) normalised, then the memory. Outputs: the maps of `TrackerSpec.maps`, with a batch
    of one. Batch norm is folded into what comes before it, dimension reduction is a constant gather.

    Args:
        path: The one execution path that the graph computes; `bundle_graphs` makes graphs with decisions.

    Raises:
        UsageError: a path that the tracker does not have, or an adaptive tracker without a complete path.
    """
    ready, path = _ready(model), _whole(model.spec, path)
    return _frame_graph(ready) if path is None else path_graph(ready, _memory(ready), path)


def memory_names(model: Tracker) -> tuple[str, ...]:
    """Names of the tensors that `encode_template` hands to `track`, in order."""
    return tuple(_memory(_ready(model)))


def _whole(spec: TrackerSpec, path: ExecutionPath | None) -> ExecutionPath | None:
    """The path with nothing left to decide; None for a tracker without bypass and exits."""
    path = path or ExecutionPath()
    path.check(spec)
    if (spec.bypass and path.skipped is None) or (len(spec.exits) > 1 and path.exit is None):
        raise UsageError(
            f"The work of the tracker {spec.id} depends on the frame, so it is no single graph without decisions. "
            "Say which path it should take, the layers skipped and the exit, or export its stages."
        )
    if spec.exits:
        return ExecutionPath(path.skipped or frozenset(), path.exit or 0)
    return path if spec.bypass else None


def _template_graph(ready: Tracker) -> bytes:
    def run(given: dict[str, Tensor]) -> dict[str, Tensor]:
        return ready.encode_template(**given)

    return traced(ready, run, _template_inputs(ready.spec), _memory(ready))


def _frame_graph(ready: Tracker) -> bytes:
    def run(given: dict[str, Tensor]) -> dict[str, Tensor]:
        return ready.track(given["search"], {name: given[name] for name in memory}).maps

    memory, size = _memory(ready), ready.spec.search_size
    return traced(ready, run, {"search": torch.zeros(1, 3, size, size), **memory}, ready.spec.maps)


def _ready(model: Tracker) -> Tracker:
    """A copy on the CPU in eval mode, so that no batch norm is left to compute per frame."""
    return fused(model).cpu()


def _template_inputs(spec: TrackerSpec) -> dict[str, Tensor]:
    crops = {name: torch.zeros(shape) for name, shape in template_inputs(spec).items()}
    return crops | ({"template_box": torch.tensor([[0.25, 0.25, 0.75, 0.75]])} if spec.target_token else {})


@torch.no_grad()
def _memory(model: Tracker) -> dict[str, Tensor]:
    return model.encode_template(**_template_inputs(model.spec))


def _shapes(memory: dict[str, Tensor]) -> dict[str, list[int]]:
    return {name: list(value.shape) for name, value in memory.items()}
