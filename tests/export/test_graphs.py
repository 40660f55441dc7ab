"""The graphs compute what the network computes, for every kind of attention."""

import dataclasses
from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from compress.core import HeadSpec, LayerSpec, TrackerSpec, describe
from compress.export.graphs import frame_graph, memory_names, template_graph
from compress.models import Tracker

Lively = Callable[[TrackerSpec], Tracker]


def _spec(attentions: list[str], **changes: object) -> TrackerSpec:
    layers = tuple(LayerSpec(source=i, mlp_hidden=48, attention=kind) for i, kind in enumerate(attentions))  # type: ignore[arg-type]
    sizes: dict[str, object] = {"template_size": 32, "search_size": 64}
    return TrackerSpec(dim=32, heads=2, layers=layers, head=HeadSpec(channels=16), **(sizes | changes))  # type: ignore[arg-type]


REDUCED = tuple(LayerSpec(source=i, mlp_hidden=40 + i, attn_dims=24, mlp_dims=20) for i in range(2))
KEEPING = tuple(LayerSpec(source=i, mlp_hidden=48, keep=keep) for i, keep in enumerate((0.7, 0.6, None)))
SMALL_TEMPLATE = {"template_size": 64, "keep_template": 0.25}
"""4 of 16 patches."""
SPECS = {
    "joint": _spec(["joint", "joint"]),
    "reduced": dataclasses.replace(_spec(["joint"]), layers=REDUCED),
    "asymmetric": _spec(["asymmetric", "asymmetric"]),
    "split": _spec(["FE", "FE", "AI"], final_norm=False),
    "split-token": _spec(["FE", "AI", "AI"], target_token=True),
    "only-ai": _spec(["AI"], target_token=True),
    "eliminating": dataclasses.replace(_spec(["joint"]), layers=KEEPING),
    "eliminating-motion": dataclasses.replace(_spec(["joint"], keep_by="motion"), layers=KEEPING),
    "eliminating-token": dataclasses.replace(_spec(["joint"], target_token=True), layers=KEEPING[:1]),
    "small-template": _spec(["joint", "joint"], **SMALL_TEMPLATE),
    "split-small-template": _spec(["FE", "AI"], **SMALL_TEMPLATE, target_token=True),
    "asymmetric-small-template": _spec(["asymmetric"], **SMALL_TEMPLATE),
    "ostrack-nano": describe("ostrack-nano"),
}


def _run(graph: bytes, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, feeds), strict=True))


@pytest.mark.parametrize("name", SPECS)
def test_graphs_agree_with_pytorch(name: str, lively: Lively) -> None:
    spec = SPECS[name]
    model = lively(spec)
    template = torch.randn(1, 3, spec.template_size, spec.template_size)
    search = torch.randn(1, 3, spec.search_size, spec.search_size)
    box = torch.tensor([[0.3, 0.2, 0.7, 0.9]]) if spec.target_token else None
    with torch.no_grad():
        memory = model.encode_template(template, box)
        maps = model.track(search, memory).maps
    feeds = {"template": template.numpy()} | ({"template_box": box.numpy()} if box is not None else {})
    got_memory = _run(template_graph(model), feeds)
    assert tuple(got_memory) == memory_names(model) == tuple(memory)
    got = _run(frame_graph(model), {"search": search.numpy()} | got_memory)
    for key, value in maps.items():
        assert np.ptp(got[key]) > 1e-3
        np.testing.assert_allclose(got[key], value.numpy(), atol=2e-5)


@pytest.mark.parametrize("name", ["reduced", "eliminating"])
def test_graph_is_one_file_without_batch_norm_or_dropout(name: str, lively: Lively) -> None:
    graph = onnx.load_from_string(frame_graph(lively(SPECS[name])))
    onnx.checker.check_model(graph, full_check=True)
    kinds = {node.op_type for node in graph.graph.node}
    assert not kinds & {"BatchNormalization", "Dropout", "If", "Loop"}
    assert all(not tensor.external_data for tensor in graph.graph.initializer)
    assert [i.name for i in graph.graph.input] == ["search", "tokens"]


def test_training_model_is_exported_as_in_eval_and_left_as_it_was(lively: Lively) -> None:
    model = lively(SPECS["joint"])
    expected = frame_graph(model)
    model.train()
    assert frame_graph(model) == expected
    assert model.training
    assert model.box_head.conv1_ctr[1].training
