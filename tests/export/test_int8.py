"""Graphs in other precisions: the same answers but for rounding, in what a bundle may hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest

from compress.core import Precision, TrackerSpec
from compress.export import at_precision, frame_graph, linear_layers, quantized, template_graph
from compress.models import Tracker
from compress.runtime import session
from compress.runtime.checked_graphs import check_bounds
from compress.runtime.graph_bounds import bounds_of
from compress.runtime.graph_limits import most_work
from compress.runtime.onnx_file import read_onnx
from compress.testing.small_teacher import small_teacher

SPEC = small_teacher()


@pytest.fixture(scope="module")
def model(lively: Callable[[TrackerSpec], Tracker]) -> Tracker:
    return lively(SPEC)


@pytest.fixture(scope="module")
def graph(model: Tracker) -> bytes:
    return frame_graph(model)


def _kinds(graph: bytes) -> list[str]:
    return [node.op_type for node in onnx.load_model_from_string(graph).graph.node]


@pytest.mark.parametrize(("precision", "size", "likeness"), [("int8", 0.8, 0.98), ("fp16", 0.7, 0.9999)])
def test_low_precision_answers_alike(
    model: Tracker, graph: bytes, precision: Precision, size: float, likeness: float
) -> None:
    small = at_precision(graph, precision)
    assert len(small) < size * len(graph)
    rng = np.random.default_rng(0)
    template = rng.standard_normal((1, 3, SPEC.template_size, SPEC.template_size)).astype(np.float32)
    first = session(template_graph(model), threads=1)
    memory = dict(zip([o.name for o in first.get_outputs()], first.run(None, {"template": template}), strict=True))
    search = rng.standard_normal((1, 3, SPEC.search_size, SPEC.search_size)).astype(np.float32)
    exact, rough = (session(g, threads=1).run(None, {"search": search, **memory}) for g in (graph, small))
    for a, b in zip(exact, rough, strict=True):
        assert a.shape == b.shape
        assert not np.array_equal(a, b)
        assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > likeness


@pytest.mark.parametrize("precision", ["int8", "fp16"])
def test_graphs_in_low_precision_pass_as_those_of_bundles(graph: bytes, precision: Precision) -> None:
    found = read_onnx(at_precision(graph, precision))
    bounds, whole = bounds_of(found), bounds_of(read_onnx(graph))
    check_bounds(found, bounds, most_work(SPEC))
    assert [(each.dtype, each.shape) for each in bounds.outputs] == [(o.dtype, o.shape) for o in whole.outputs]


def test_linear_layers_become_integers_but_for_those_left_in_float(graph: bytes) -> None:
    layers = linear_layers(graph)
    assert layers == [f"blocks.{i}" for i in range(len(SPEC.layers))]
    assert _kinds(quantized(graph)).count("MatMulInteger") == 4 * len(layers)
    some = quantized(graph, float_layers=["blocks.0", "blocks.5"])
    assert _kinds(some).count("MatMulInteger") == 4 * (len(layers) - 2)
    assert quantized(graph) == quantized(graph)
