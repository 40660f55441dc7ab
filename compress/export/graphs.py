"""ONNX graphs of a tracker: template work, done once per sequence, apart from per-frame work."""

from __future__ import annotations

import copy
import io
import warnings
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from compress.core import TrackerSpec
from compress.models import Tracker

# LayerNormalization is one operator from 17 on; 20 adds Gelu, which onnxruntime fuses from 17's form anyway (both
# ran a 12-layer nano graph in 3.5 ms) and older TensorRT releases do not know.
OPSET = 17
MAPS = ("score_map", "size_map", "offset_map")


def template_graph(model: Tracker) -> bytes:
    """Serialised ONNX graph of `model.encode_template`, weights inside, batch 1, float32.

    Inputs: `template` (1, 3, Sz, Sz) normalised, and `template_box` (1, 4) x1, y1, x2, y2 in shares of the crop
    where the spec has a target token. Outputs: the memory, under the names `encode_template` gives it.
    """
    model = _ready(model)
    crops = _template_inputs(model.spec)
    return _export(_Template(model), crops, inputs=_template_names(model.spec), outputs=memory_names(model))


def frame_graph(model: Tracker) -> bytes:
    """Serialised ONNX graph of `model.track`, weights inside, batch 1, float32.

    Inputs: `search` (1, 3, Sx, Sx) normalised, then the memory. Outputs: `score_map` (1, 1, N, N), `size_map` and
    `offset_map` (1, 2, N, N). Batch norm is folded into its convolutions, dimension reduction is a constant gather.
    """
    model = _ready(model)
    memory = _memory(model)
    size = model.spec.search_size
    crops = (torch.zeros(1, 3, size, size), *memory.values())
    return _export(_Frame(model, tuple(memory)), crops, inputs=("search", *memory), outputs=MAPS)


def memory_names(model: Tracker) -> tuple[str, ...]:
    """Names of the tensors that `encode_template` hands to `track`, in order."""
    return tuple(_memory(_ready(model)))


class _Template(nn.Module):
    def __init__(self, model: Tracker) -> None:
        super().__init__()
        self.model = model

    def forward(self, template: Tensor, template_box: Tensor | None = None) -> tuple[Tensor, ...]:
        return tuple(self.model.encode_template(template, template_box).values())


class _Frame(nn.Module):
    def __init__(self, model: Tracker, names: tuple[str, ...]) -> None:
        super().__init__()
        self.model, self.names = model, names

    def forward(self, search: Tensor, *memory: Tensor) -> tuple[Tensor, ...]:
        maps = self.model.track(search, dict(zip(self.names, memory, strict=True))).maps
        return tuple(maps[name] for name in MAPS)


def _ready(model: Tracker) -> Tracker:
    """`model` itself where it can be exported as it is, else a copy on the CPU in eval mode."""
    if not model.training and all(p.device.type == "cpu" for p in model.parameters()):
        return model
    return copy.deepcopy(model).cpu().eval()


def _template_names(spec: TrackerSpec) -> tuple[str, ...]:
    return ("template", "template_box") if spec.target_token else ("template",)


def _template_inputs(spec: TrackerSpec) -> tuple[Tensor, ...]:
    crop = torch.zeros(1, 3, spec.template_size, spec.template_size)
    return (crop, torch.tensor([[0.25, 0.25, 0.75, 0.75]])) if spec.target_token else (crop,)


@torch.no_grad()
def _memory(model: Tracker) -> dict[str, Tensor]:
    return model.encode_template(*_template_inputs(model.spec))


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
