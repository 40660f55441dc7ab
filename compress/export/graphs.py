"""ONNX graphs of a tracker: template work, done once per sequence, apart from per-frame work."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from compress.core import TrackerSpec
from compress.models import Tracker, fused
from compress.runtime.network import template_inputs

# LayerNormalization is one operator from 17 on; 20 adds Gelu, which onnxruntime fuses from 17's form anyway (both
# ran a 12-layer nano graph in 3.5 ms) and older TensorRT releases do not know.
OPSET = 17


def bundle_graphs(model: Tracker) -> dict[str, bytes]:
    """All graphs of a bundle, by the names of `compress.runtime.manifest.graph_names`."""
    ready = _ready(model)
    return {"template.onnx": _template_graph(ready), "frame.onnx": _frame_graph(ready)}


def template_graph(model: Tracker) -> bytes:
    """Serialised ONNX graph of `model.encode_template`, weights inside, batch 1, float32.

    Inputs: `template` (1, 3, Sz, Sz) normalised; `template_box` (1, 4) x1, y1, x2, y2 in shares of the crop where
    the spec has a target token; `online_template` (1, K, 3, Sz, Sz) where it has K online templates. Outputs: the
    memory, under the names `encode_template` gives it.
    """
    return _template_graph(_ready(model))


def frame_graph(model: Tracker) -> bytes:
    """Serialised ONNX graph of `model.track`, weights inside, batch 1, float32.

    Inputs: `search` (1, 3, Sx, Sx) normalised, then the memory. Outputs: the maps of `TrackerSpec.maps`, with a batch
    of one. Batch norm is folded into what comes before it, dimension reduction is a constant gather.
    """
    return _frame_graph(_ready(model))


def memory_names(model: Tracker) -> tuple[str, ...]:
    """Names of the tensors that `encode_template` hands to `track`, in order."""
    return tuple(_memory(_ready(model)))


def _template_graph(ready: Tracker) -> bytes:
    inputs = _template_inputs(ready.spec)
    module = _Template(ready, tuple(inputs))
    return _export(module, tuple(inputs.values()), inputs=tuple(inputs), outputs=tuple(_memory(ready)))


def _frame_graph(ready: Tracker) -> bytes:
    memory = _memory(ready)
    size = ready.spec.search_size
    crops = (torch.zeros(1, 3, size, size), *memory.values())
    return _export(_Frame(ready, tuple(memory)), crops, inputs=("search", *memory), outputs=tuple(ready.spec.maps))


class _Template(nn.Module):
    def __init__(self, model: Tracker, names: tuple[str, ...]) -> None:
        super().__init__()
        self.model, self.names = model, names

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.model.encode_template(**dict(zip(self.names, inputs, strict=True))).values())


class _Frame(nn.Module):
    def __init__(self, model: Tracker, names: tuple[str, ...]) -> None:
        super().__init__()
        self.model, self.names = model, names

    def forward(self, search: Tensor, *memory: Tensor) -> tuple[Tensor, ...]:
        maps = self.model.track(search, dict(zip(self.names, memory, strict=True))).maps
        return tuple(maps[name] for name in self.model.spec.maps)


def _ready(model: Tracker) -> Tracker:
    """A copy on the CPU in eval mode, so that no batch norm is left to compute per frame."""
    return fused(model).cpu()


def _template_inputs(spec: TrackerSpec) -> dict[str, Tensor]:
    crops = {name: torch.zeros(shape) for name, shape in template_inputs(spec).items()}
    return crops | ({"template_box": torch.tensor([[0.25, 0.25, 0.75, 0.75]])} if spec.target_token else {})


@torch.no_grad()
def _memory(model: Tracker) -> dict[str, Tensor]:
    return model.encode_template(**_template_inputs(model.spec))


@torch.no_grad()
def _export(module: nn.Module, crops: tuple[Tensor, ...], *, inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
    """Trace and serialise.

    The tracing exporter, not the dynamo one: of a 12-layer nano tracker it makes a graph of the same speed under
    onnxruntime in 0.22 s instead of 2.7 s, and a latency profile needs dozens. The dynamo exporter's graphs at
    opset 17 and 18 ran 7% slower (3.73 against 3.48 ms).
    """
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing warns of Python values in shapes, which are fixed on purpose
        torch.onnx.export(
            module.eval(),
            crops,
            buffer,  # type: ignore[arg-type]  # the tracing exporter takes a buffer
            dynamo=False,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=list(outputs),
        )
    return buffer.getvalue()
