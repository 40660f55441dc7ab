"""Kits: written, measured by their own script in a process of its own, and read back."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from click.testing import CliRunner

from compress.cli.profile import command as profile_command
from compress.core import BypassSpec, ExitSpec, LayerSpec, TrackerSpec, UsageError
from compress.export import at_precision, frame_graph
from compress.latency import predict
from compress.measure import Coverage
from compress.measure.kit.ingest import ingest
from compress.measure.kit.request import Request
from compress.measure.kit.stripped_weights import stripped
from compress.measure.kit.writing import emit_kit
from compress.measure.kit_runtime.files import make_weights
from compress.measure.kit_runtime.run import LOCK
from compress.measure.remote_profiles import Device, device_profile, device_profiles
from compress.measure.stacks.timing_plan import TimingPlan
from compress.models import build


@pytest.fixture(autouse=True)
def _at_home(measured_kit: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(measured_kit.home, home)
    monkeypatch.setenv("COMPRESS_HOME", str(home))


def test_a_kit_becomes_a_measured_profile(measured_kit: Any, tiny: TrackerSpec) -> None:
    profile, path = ingest(measured_kit.results)
    assert (profile.target, profile.provenance, profile.precision) == ("board", "measured", "fp32")
    assert profile.runtime == f"onnxruntime {onnxruntime.__version__}"
    assert profile.conditions is not None
    assert profile.conditions.numpy == np.__version__
    assert profile.conditions.loop.startswith("opencv")
    assert len(profile.validation) == 12
    assert profile.runs >= 60
    assert device_profile("board", tiny) is not None
    assert device_profile("other", tiny) is None
    assert device_profile("board", tiny, threads=2) is None
    assert [kept for kept, _ in device_profiles()] == [path]
    found = predict(profile, tiny)
    assert found.provenance == "predicted"
    deep = replace(tiny, layers=tuple(LayerSpec(source=i, mlp_hidden=256) for i in range(12)))
    assert predict(profile, deep).mean_ms > found.mean_ms


def test_the_command_reads_results_back(measured_kit: Any, tiny: TrackerSpec) -> None:
    words = ["ingest", str(measured_kit.results), "--kit", str(measured_kit.folder)]
    found = json.loads(CliRunner().invoke(profile_command, [*words, "--json"], catch_exceptions=False).stdout)
    assert (found["target"], found["provenance"], found["threads"]) == ("board", "measured", 1)
    assert found["conditions"]["numpy"] == np.__version__
    text = CliRunner().invoke(profile_command, words, catch_exceptions=False).stdout
    assert text.startswith("board  measured on ")
    assert "error on the validation set" in text
    assert f"kept in {found['file']}" in text


def test_a_kit_measures_what_is_measured_in_process(measured_kit: Any, tiny: TrackerSpec) -> None:
    kit = json.loads((measured_kit.folder / "kit.json").read_text())
    planned = [[spec.id for spec in batch] for batch in TimingPlan.of(tiny, measured_kit.coverage).batches]
    assert kit["batches"] == [[{"tracker": id} for id in batch] for batch in planned]
    assert set(kit["graphs"]) == {id for batch in planned for id in batch}


def test_a_kit_is_small(measured_kit: Any) -> None:
    sent = [path for path in measured_kit.folder.rglob("*") if path.is_file() and path.name != "weights.bin"]
    assert sum(path.stat().st_size for path in sent) < 2_000_000
    assert {path.name for path in sent if path.suffix != ".onnx"} == {
        "README.txt",
        "kit.json",
        "measure.pyz",
        "results.json",
    }


def test_weights_are_random_the_same_and_repeat_nowhere(tmp_path: Path) -> None:
    size = 5 * 2**20 + 3
    for name in ("one", "two"):
        make_weights(str(tmp_path / name), size)
    data = (tmp_path / "one").read_bytes()
    assert data == (tmp_path / "two").read_bytes()
    assert len(data) == size
    pages = [data[i : i + 4096] for i in range(0, size, 4096)]
    assert len(set(pages)) == len(pages)


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_graphs_without_weights_run_the_same_operators(tiny: TrackerSpec, tmp_path: Path, precision: str) -> None:
    layer = LayerSpec(source=0, mlp_hidden=256, attn_dims=32, mlp_dims=48)
    graph = frame_graph(build(replace(tiny, layers=(layer, replace(layer, source=1, attn_dims=None)))).eval())
    graph = at_precision(graph, precision)
    slim, size = stripped(graph)
    assert len(slim) < 0.5 * len(graph)
    make_weights(str(tmp_path / "weights.bin"), size)
    assert (tmp_path / "weights.bin").stat().st_size == size
    (tmp_path / "slim.onnx").write_bytes(slim)
    (tmp_path / "full.onnx").write_bytes(graph)
    slim_operators, full_operators = (_optimised(tmp_path / name) for name in ("slim.onnx", "full.onnx"))
    assert slim_operators == full_operators
    assert sum(slim_operators.values()) > 20


def _optimised(path: Path) -> Counter[str]:
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(path.with_suffix(".optimised"))
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    found = onnx.load(options.optimized_model_filepath, load_external_data=False)
    return Counter(node.op_type for node in found.graph.node)


def test_a_changed_graph_is_not_measured(measured_kit: Any, tmp_path: Path) -> None:
    folder = _copied(measured_kit, tmp_path)
    graph = next((folder / "graphs").glob("*.onnx"))
    graph.write_bytes(graph.read_bytes()[:-1])
    done = _run(folder, tmp_path)
    assert done.returncode == 1
    assert f"{graph} is not the file that the kit was written with" in done.stderr
    assert not (folder / "results.json").exists()


def test_one_measurement_at_a_time(measured_kit: Any, tmp_path: Path) -> None:
    folder = _copied(measured_kit, tmp_path)
    with open(tmp_path / LOCK, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = _run(folder, tmp_path)
    assert done.returncode == 1
    assert "another measurement is running on this machine" in done.stderr


def test_a_kit_wants_a_new_folder(tiny: TrackerSpec, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").touch()
    request = Request(Device.of("board"), tiny, Coverage.of(tiny))
    with pytest.raises(UsageError, match="not empty"):
        emit_kit(request, tmp_path / "there")
    with pytest.raises(UsageError, match="two rounds"):
        emit_kit(replace(request, rounds=1), tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("cpu", "this host's"),
        ("cpu-two", "this host's"),
        ("../x", "names no device"),
        ("agx:onnxruntime-fp16", "Unknown runtime 'onnxruntime-fp16'. Did you mean onnxruntime"),
        ("agx:pytorch", "there are kits for onnxruntime, onnxruntime-int8, tensorrt-fp16"),
    ],
)
def test_names_that_no_device_can_have(target: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Device.of(target)


def test_names_of_devices() -> None:
    assert Device.of("agx:onnxruntime-fp32").target == "agx"
    assert Device.of("agx:tensorrt").target == "agx:tensorrt-fp16"


@pytest.mark.slow
def test_a_kit_in_int8(tiny: TrackerSpec, tmp_path: Path) -> None:
    request = Request(Device.of("board:onnxruntime-int8"), tiny, Coverage.of(tiny))
    with pytest.raises(UsageError, match="measured with the provider cpu, but cuda was asked for"):
        emit_kit(replace(request, provider="cuda"), tmp_path / "kit")
    emit_kit(request, tmp_path / "kit")
    assert _run(tmp_path / "kit", tmp_path).returncode == 0
    profile, path = ingest(tmp_path / "kit" / "results.json")
    assert (profile.target, profile.precision) == ("board:onnxruntime-int8", "int8")
    assert path.name.startswith("board-onnxruntime-int8-")
    assert predict(profile, tiny).runtime.endswith(" int8")


@pytest.mark.slow
def test_a_kit_tells_what_routing_overhead_costs(tiny: TrackerSpec, tmp_path: Path) -> None:
    spec = replace(tiny, bypass=BypassSpec(n_enf=1), exits=(ExitSpec(2, adapter=1), ExitSpec(4)))
    emit_kit(Request(Device.of("board"), tiny, Coverage.of(tiny, [spec]), provider="cpu"), tmp_path / "kit")
    assert _run(tmp_path / "kit", tmp_path).returncode == 0
    profile, _ = ingest(tmp_path / "kit" / "results.json")
    assert profile.routing_overhead is not None
    assert len(profile.routing_overhead.validation) == 7
    found = predict(profile, spec)
    assert found.worst_ms is not None
    assert found.mean_ms < found.worst_ms


def _copied(measured_kit: Any, tmp_path: Path) -> Path:
    folder = tmp_path / "kit"
    shutil.copytree(measured_kit.folder, folder)
    (folder / "results.json").unlink()
    return folder


def _run(folder: Path, scratch: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-I", str(folder / "measure.pyz")]
    environment = os.environ | {"TMPDIR": str(scratch)}
    return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=300)
