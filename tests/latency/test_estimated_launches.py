"""Launch counts of the rules against networks that run."""

import collections
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode

from compress.core import TrackerSpec, describe
from compress.export import frame_graph
from compress.latency.estimated.work import frame_work
from compress.models import Tracker, build

_MOVES_NOTHING = {"Reshape", "Unsqueeze", "Squeeze", "Identity", "Constant", "Flatten", "Shape"}


def _narrow(spec: TrackerSpec) -> TrackerSpec:
    """Widths change no count; HiT is light enough as it is."""
    if spec.backbone == "levit":
        return spec
    dim = 16 * spec.heads
    layers = tuple(
        replace(each, mlp_hidden=32, attn_dims=each.attn_dims and dim // 2, mlp_dims=each.mlp_dims and dim // 2)
        for each in spec.layers
    )
    head = replace(spec.head, channels=8)
    return replace(spec, dim=dim, layers=layers, head=head, template_size=32, search_size=64)


def _nodes(model: Tracker, path: Path) -> int:
    """Nodes of the frame graph that onnxruntime is left with and that do something."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(path)
    options.log_severity_level = 3
    onnxruntime.InferenceSession(frame_graph(model), options, providers=["CPUExecutionProvider"])
    return sum(node.op_type not in _MOVES_NOTHING for node in onnx.load(str(path)).graph.node)


@pytest.mark.parametrize("name", ["ostrack256-ce", "litetrack-b4", "mixformerv2-s", "mixvit-b", "hit-tiny"])
def test_launches_are_the_nodes_onnxruntime_runs(name: str, tmp_path: Path) -> None:
    """With onnxruntime 1.31 they are equal, but for one node more that puts eliminated tokens back in their places;
    another release may fuse otherwise.
    """
    spec = _narrow(describe(name))
    nodes = _nodes(build(spec).eval(), tmp_path / "graph.onnx")
    assert frame_work(spec, "onnxruntime").launches == pytest.approx(nodes, rel=0.03)


_VIEWS = {"view", "_unsafe_view", "permute", "transpose", "t", "slice", "select", "expand", "unsqueeze", "squeeze"}
_VIEWS |= {"detach", "split", "split_with_sizes", "unbind", "alias", "as_strided", "_reshape_alias", "unsafe_split"}
_MAKES_CONSTANTS = {"empty", "lift_fresh", "arange", "zeros", "full"}


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts what runs and is no view; a convolution with a bias launches an addition of its own."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.counts: collections.Counter[str] = collections.Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = str(func.overloadpacket).split(".")[-1]
        self.counts[name] += 2 if name == "convolution" and args[2] is not None else 1
        return func(*args, **(kwargs or {}))

    @property
    def launches(self) -> int:
        return sum(count for name, count in self.counts.items() if name not in _VIEWS | _MAKES_CONSTANTS)


@pytest.mark.parametrize("name", ["ostrack256", "litetrack-b4", "mixformerv2-s", "mixvit-b"])
def test_launches_are_near_what_eager_pytorch_runs(name: str) -> None:
    """This package's own networks with unfused attention, which scales queries and keys apart: one more a layer."""
    spec = _narrow(describe(name))
    model = build(spec).eval()
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        memory = model.encode_template(torch.zeros(1, 3, 32, 32), **_template_inputs(spec))
        with _Counter() as counter:
            model.track(torch.zeros(1, 3, 64, 64), memory)
    assert frame_work(spec, "pytorch").launches == pytest.approx(counter.launches, rel=0.15)


def _template_inputs(spec: TrackerSpec) -> dict[str, torch.Tensor]:
    online = {"online_template": torch.zeros(1, spec.online_templates, 3, 32, 32)} if spec.online_templates else {}
    return online | ({"template_box": torch.tensor([[0.2, 0.2, 0.8, 0.8]])} if spec.target_token else {})
