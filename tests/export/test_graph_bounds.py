"""Every graph that is exported passes the check of foreign graphs, which sees in it what ONNX's own inference sees."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import onnx
import pytest

from compress.core import TRACKERS, TrackerSpec, describe
from compress.core.cost import macs
from compress.export import bundle_graphs
from compress.models import Tracker, build
from compress.runtime import graph_bounds
from compress.runtime.checked_graphs import check_bounds, check_signature
from compress.runtime.graph_bounds import bounds_of
from compress.runtime.graph_limits import MOST_MEMORY, most_bytes, most_work
from compress.runtime.onnx_file import DTYPES, read_onnx
from compress.runtime.operators import Known
from compress.runtime.signatures import FRAME, TEMPLATE, Form, signatures
from compress.testing.bundle_specs import ADAPTIVE, FAMILIES
from compress.testing.kept_graphs import kept_graphs
from compress.testing.shared import Shared
from compress.testing.small_trackers import ELIMINATING

STATIC = {**FAMILIES, "eliminating": ELIMINATING}


def _passed(spec: TrackerSpec, form: Form, graphs: dict[str, bytes]) -> int:
    """Checks all graphs of a tracker; returns their multiply-accumulates, those of the path of most work."""
    memory = {value.name: list(value.shape or ()) for value in read_onnx(graphs[TEMPLATE]).outputs}
    work = 0
    for name, data in graphs.items():
        graph = read_onnx(data)
        bounds = bounds_of(graph)
        check_signature(graph, signatures(spec, form, memory)[name])
        check_bounds(graph, bounds, most_work(spec))
        assert len(data) < most_bytes(spec)
        assert bounds.memory < MOST_MEMORY / 10
        work += bounds.work
    return work


@pytest.fixture
def exported(lively: Callable[..., Tracker], shared: Shared) -> Callable[[TrackerSpec, Form], dict[str, bytes]]:
    return lambda spec, form: kept_graphs(shared)(lively(spec), form)


@pytest.mark.parametrize("name", STATIC)
def test_graphs_of_every_family_pass(
    name: str, exported: Callable[[TrackerSpec, Form], dict[str, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    graphs = exported(STATIC[name], "one")
    _passed(STATIC[name], "one", graphs)
    for graph in graphs.values():
        _compare_with_onnx(graph, monkeypatch)


@pytest.mark.parametrize("form", ["one", "stages"])
@pytest.mark.parametrize("name", ADAPTIVE)
def test_graphs_of_adaptive_trackers_pass(
    name: str, form: Form, exported: Callable[[TrackerSpec, Form], dict[str, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    graphs = exported(ADAPTIVE[name], form)
    _passed(ADAPTIVE[name], form, graphs)
    _compare_with_onnx(graphs[FRAME if form == "one" else next(iter(graphs))], monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("name", TRACKERS)
def test_graphs_of_named_trackers_pass_and_do_the_work_that_their_specs_say(name: str) -> None:
    spec = describe(name)
    work = _passed(spec, "one", bundle_graphs(build(spec).eval(), "one"))
    assert work == pytest.approx(macs(spec).full, rel=0.05)


def _compare_with_onnx(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """All shapes that ONNX infers, in branches too, are those that are computed here."""
    found: dict[str, Known] = {}
    note = graph_bounds._Running._note

    def noted(self: Any, name: str, value: Known) -> None:
        found[name] = value
        note(self, name, value)

    with monkeypatch.context() as patch:
        patch.setattr(graph_bounds._Running, "_note", noted)
        bounds_of(read_onnx(data))
    model = onnx.shape_inference.infer_shapes(onnx.load_from_string(data), strict_mode=True, data_prop=True)
    wanted = {value.name: value.type.tensor_type for value in _values(model.graph)}
    assert len(wanted) > 3
    for name, tensor in wanted.items():
        shape = tuple(dim.dim_value for dim in tensor.shape.dim)
        assert (DTYPES[tensor.elem_type], shape) == (found[name].dtype, found[name].shape), name


def _values(graph: onnx.GraphProto) -> Iterator[onnx.ValueInfoProto]:
    for value in graph.value_info:
        if all(dim.HasField("dim_value") for dim in value.type.tensor_type.shape.dim):
            yield value
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _values(attribute.g)
