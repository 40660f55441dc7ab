"""How graphs are run: the same options wherever a session is opened."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from compress.core import CompressError, FileError
from compress.runtime.sessions import CPU, PROVIDERS, provider_of, session, session_options

SOURCES = sorted((Path(__file__).parents[2] / "compress").rglob("*.py"))


@pytest.mark.parametrize("alone", [True, False])
def test_sessions_that_take_turns_sleep_and_share_memory(alone: bool) -> None:
    options = session_options(threads=2, alone=alone)
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == str(int(alone))
    assert options.enable_cpu_mem_arena == alone


def test_operators_run_one_by_one_and_optimised() -> None:
    options = session_options(threads=3)
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (3, 1)
    assert options.execution_mode == onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    assert options.graph_optimization_level == onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL


def test_options_are_said_in_one_place() -> None:
    """Bundles, timings on this host and kits all call it."""
    found = [path.name for path in SOURCES if "SessionOptions(" in path.read_text(encoding="utf-8")]
    assert found == ["sessions.py"]


def test_a_graph_that_is_none_is_refused() -> None:
    with pytest.raises(FileError, match="cannot be loaded by onnxruntime"):
        session(b"no graph", threads=1)


def test_providers_by_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    assert provider_of("cpu") == CPU
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [PROVIDERS["cuda"], CPU])
    assert provider_of("auto") == PROVIDERS["cuda"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CPU])
    assert provider_of("auto") == CPU
    with pytest.raises(CompressError, match="has no CUDAExecutionProvider here"):
        provider_of("cuda")


def test_a_provider_that_does_not_start_is_not_replaced() -> None:
    """onnxruntime would run on the CPU instead, and say so in a warning only."""
    if PROVIDERS["cuda"] in onnxruntime.get_available_providers():
        pytest.skip("there is a GPU")
    onnx = pytest.importorskip("onnx")
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    other = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Neg", ["x"], ["y"])], "negate", [value], [other])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    data = model.SerializeToString()
    assert session(data, threads=1).run(None, {"x": np.ones(1, np.float32)})[0] == -1
    with pytest.raises(CompressError, match="CUDAExecutionProvider"):
        session(data, threads=1, provider=PROVIDERS["cuda"])
