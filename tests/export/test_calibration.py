"""Ranges of activations found beforehand, and the layers that lose most: real graphs of a small tracker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch

from compress.core import BypassSpec, TrackerSpec, UsageError
from compress.data import open_source
from compress.export import CalibrationCrops, LowPrecision, bundle_graphs, with_float_layers
from compress.export.calibration import Calibration
from compress.export.sensitivity import boxes_on, most_sensitive
from compress.models import Tracker
from compress.runtime import GraphNetwork
from compress.runtime.checked_graphs import check_bounds
from compress.runtime.graph_bounds import bounds_of
from compress.runtime.graph_limits import most_work
from compress.runtime.onnx_file import read_onnx
from compress.testing.small_teacher import small_teacher

SPEC = replace(small_teacher(), layers=small_teacher().layers[:4])


@pytest.fixture(scope="module")
def crops() -> CalibrationCrops:
    return CalibrationCrops.drawn(open_source("generated", training=True), SPEC, count=8)


@pytest.fixture(scope="module")
def exact(lively: Callable[[TrackerSpec], Tracker]) -> dict[str, bytes]:
    return bundle_graphs(lively(SPEC))


@pytest.mark.parametrize("method", ["percentile", pytest.param("entropy", marks=pytest.mark.slow)])
def test_static_graphs_find_the_same_boxes_but_for_rounding(
    method: Calibration, exact: dict[str, bytes], crops: CalibrationCrops, capsys: pytest.CaptureFixture[str]
) -> None:
    low = LowPrecision("int8", method, pairs=len(crops), data=crops.key)
    graphs = low.graphs(SPEC, exact, crops)
    assert low.graphs(SPEC, exact, crops) == graphs
    assert capsys.readouterr().out == "", "stdout is for results"
    frame = onnx.load_model_from_string(graphs["frame.onnx"]).graph
    scales = [node for node in frame.node if node.op_type == "QuantizeLinear"]
    assert 3 * len(SPEC.layers) <= len(scales) <= 4 * len(SPEC.layers)
    found = read_onnx(graphs["frame.onnx"])
    check_bounds(found, bounds_of(found), most_work(SPEC))
    boxes, rough = (boxes_on(GraphNetwork(SPEC, each), SPEC, crops) for each in (exact, graphs))
    assert 0 < np.abs(boxes - rough).mean() < 0.05


def test_stages_have_no_ranges_of_their_own(lively: Callable[[TrackerSpec], Tracker], crops: CalibrationCrops) -> None:
    spec = replace(SPEC, bypass=BypassSpec(n_enf=3))
    with pytest.raises(UsageError, match="depends on bypass and exits"):
        LowPrecision("int8", "percentile").graphs(spec, bundle_graphs(lively(spec)), crops)
    with pytest.raises(UsageError, match="--single-graph"):
        LowPrecision("int8").graphs(spec, {"frame.onnx": b""})


def test_the_layer_that_loses_most_stays_in_float(
    lively: Callable[[TrackerSpec], Tracker], crops: CalibrationCrops
) -> None:
    """One channel is a thousand times as large and counts a thousand times less: the same but for rounding."""
    model = lively(SPEC)
    with torch.no_grad():
        block = model.backbone.blocks[2]
        block.norm2.weight[0] *= 1000
        block.norm2.bias[0] *= 1000
        block.mlp.fc1.weight[:, 0] /= 1000
    low, graphs, found = with_float_layers(SPEC, bundle_graphs(model), "dynamic", crops)
    assert low.float_layers == found.float_layers == ("blocks.2",)
    assert found.kept == found.without["blocks.2"] < 0.5 * found.whole
    assert graphs == low.graphs(SPEC, bundle_graphs(model))


def test_few_layers_are_left_in_float() -> None:
    errors = dict(zip("abcdefgh", (0.5, 0.9, 0.6, 0.7, 0.99, 1.2, 0.8, 0.86), strict=True))
    assert most_sensitive(1.0, errors) == ("a", "c")
    assert most_sensitive(1.0, {"a": 0.9, "b": 0.95, "c": 1.0, "d": 1.1}) == ()
    assert most_sensitive(0.0, dict.fromkeys("abcd", 0.0)) == ()
