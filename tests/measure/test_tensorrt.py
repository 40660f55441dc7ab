"""Kits for TensorRT, run by a real shell against a stand-in for trtexec that only reads its arguments."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from compress.core import FileError, TrackerSpec, UsageError
from compress.latency import predict
from compress.measure import Coverage
from compress.measure.kit.ingest import ingest
from compress.measure.kit.request import Request
from compress.measure.kit.writing import emit_kit
from compress.measure.remote_profiles import Device
from compress.measure.ssh.connection import Remote
from compress.measure.ssh.transfer import measure_remotely
from compress.testing.loopback import serving

TRTEXEC = """\
#!{python}
# Stands in for trtexec: takes its arguments as given, and "times" a graph by 0.05 ms and a time for each layer.
import json, os, random, sys
given = dict(word.lstrip("-").partition("=")[::2] for word in sys.argv[1:])
print("&&&& RUNNING TensorRT.trtexec [TensorRT v8502] # " + " ".join(sys.argv))
with open("trtexec.log", "a") as log:
    log.write(" ".join(sys.argv[1:]) + chr(10))
if "onnx" in given:
    with open(given["onnx"], "rb") as graph, open(given["saveEngine"], "w") as engine:
        engine.write(str(graph.read().count(b"Softmax")))
else:
    layers = float(open(given["loadEngine"]).read())
    times = [0.05 + 0.025 * layers + random.random() / 10000 for _ in range(int(given["iterations"]) + 3)]
    rows = [dict(startH2dMs=0.0, h2dMs=0.01, computeMs=ms - 0.02, d2hMs=0.01, latencyMs=ms) for ms in times]
    json.dump(rows, open(given["exportTimes"], "w"), indent=1)
"""


@pytest.fixture(scope="module")
def coverage(tiny: TrackerSpec) -> Coverage:
    return replace(Coverage.of(tiny), attn_dims=(), mlp_dims=())


@pytest.fixture(scope="module")
def emitted(tiny: TrackerSpec, coverage: Coverage, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("tensorrt")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMPRESS_HOME", str(place / "home"))
        emit_kit(Request(Device.of("agx:tensorrt-fp16"), tiny, coverage, rounds=2), place / "kit")
    return place


@pytest.fixture
def kit(emitted: Path, tmp_path: Path) -> Path:
    """A copy of the kit, beside the stand-in."""
    shutil.copytree(emitted, tmp_path, dirs_exist_ok=True)
    (tmp_path / "bin").mkdir()
    stand_in = tmp_path / "bin" / "trtexec"
    stand_in.write_text(TRTEXEC.format(python=sys.executable))
    stand_in.chmod(0o755)
    return tmp_path / "kit"


def _run(kit: Path, **more: str) -> subprocess.CompletedProcess[str]:
    paths = {"PYTHON": sys.executable, "TRTEXEC": str(kit.parent / "bin" / "trtexec"), "TMPDIR": str(kit.parent)}
    environment = os.environ | paths | more
    words = ["sh", str(kit / "measure.sh")]
    return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=300)


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs coreutils")
def test_trtexec_is_asked_for_every_visit_and_its_times_are_read(kit: Path, tiny: TrackerSpec) -> None:
    done = _run(kit)
    assert done.returncode == 0, done.stderr
    about = json.loads((kit / "kit.json").read_text())
    asked = [line.split() for line in (kit / "trtexec.log").read_text().splitlines()]
    built = [words for words in asked if words[0].startswith("--onnx=")]
    loaded = [words for words in asked if words[0].startswith("--loadEngine=")]
    assert len(built) == len(about["graphs"])
    assert all("--fp16" in words for words in built)
    assert len(loaded) == 2 * len(about["batches"][0])
    assert all({"--warmUp=200", "--iterations=20", "--duration=0"} <= set(words) for words in loaded)
    assert not (kit.parent / "compress-measure.busy").exists()

    profile, path = ingest(kit / "results.json")
    assert (profile.target, profile.runtime, profile.precision) == ("agx:tensorrt-fp16", "TensorRT 8502", "fp16")
    assert path.name.startswith("agx-tensorrt-fp16-")
    assert profile.runs == 40
    deep = replace(tiny, layers=tuple(replace(tiny.layers[0], source=i) for i in range(10)))
    networks = [predict(profile, spec).p50_ms - profile.loop_ms - 0.05 for spec in (deep, tiny)]
    assert networks[0] / networks[1] == pytest.approx(10 / 4, rel=0.05)


@pytest.mark.skipif(not (shutil.which("sha256sum") and shutil.which("ssh")), reason="needs coreutils and ssh")
def test_a_device_with_tensorrt_is_measured_over_ssh(
    kit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("asyncssh")
    monkeypatch.setenv("PATH", f"{kit.parent / 'bin'}{os.pathsep}{os.environ['PATH']}")
    with serving(tmp_path / "board") as board:
        remote = Remote("board", config=board.config, python=sys.executable)
        measure_remotely(remote, kit, tmp_path / "results.json")
        assert board.left_over == []
    assert ingest(tmp_path / "results.json")[0].target == "agx:tensorrt-fp16"


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs coreutils")
def test_what_keeps_it_from_measuring_is_said(kit: Path) -> None:
    assert "there is no trtexec here" in _run(kit, TRTEXEC="/nowhere/trtexec").stderr
    (kit.parent / "compress-measure.busy").mkdir()
    assert "another measurement is running" in _run(kit).stderr
    (kit.parent / "compress-measure.busy").rmdir()
    failing = kit.parent / "failing"
    failing.write_text("#!/bin/sh\nexit 1\n")
    failing.chmod(0o755)
    assert "trtexec cannot build" in _run(kit, TRTEXEC=str(failing)).stderr
    graph = next((kit / "graphs").glob("*.onnx"))
    graph.write_bytes(b"")
    assert "the kit is not what it was written as" in _run(kit).stderr
    assert not (kit / "results.json").exists()
    assert not (kit.parent / "compress-measure.busy").exists()


_TIMES = [{"latencyMs": 1.0}] * 20


@pytest.mark.parametrize(
    "visits",
    [
        [],
        [{"batch": 0}],
        "x",
        [{"batch": 0, "round": 0, "call": 0, "times": [{}] * 20}],
        [{"batch": 0, "round": i, "call": 0, "times": [{"latencyMs": "x"}] * 20} for i in range(2)],
        [{"batch": 0, "round": i, "call": 0, "times": [{"latencyMs": -1.0}] * 20} for i in range(2)],
        [{"batch": 0, "round": i, "call": 0, "times": [[1.0]] * 20} for i in range(2)],
        [[]],
        [{"batch": 0, "round": i, "call": 10**12 * i, "times": _TIMES} for i in range(2)],
        [{"batch": 10**12, "round": i, "call": 0, "times": _TIMES} for i in range(2)],
        [{"batch": 0, "round": i, "call": 0, "times": _TIMES[i:]} for i in range(2)],
        [{"batch": 0, "round": 0, "call": 0, "times": _TIMES}],
    ],
    ids=[
        *("none", "cut off", "text", "no times", "texts", "below zero", "lists", "a list"),
        *("a call of 10^12", "a batch of 10^12", "short", "a round missing"),
    ],
)
def test_times_that_trtexec_does_not_write_are_refused(tmp_path: Path, visits: object) -> None:
    host = {"device": "agx", "conditions": {}, "loop": [[0.1] * 20] * 2}
    body = {"format": "compress-results-tensorrt", "version": 1, "kit": "k", "runtime": "x", "seconds": 9}
    text = json.dumps(body | {"host": host, "visits": visits}, separators=(",", ":"))
    path = tmp_path / "results.json"
    path.write_text(f'{{"sha256":"{hashlib.sha256(text.encode()).hexdigest()}","body":{text}}}\n')
    with pytest.raises(FileError, match="not what a kit measured"):
        ingest(path)


def test_adaptive_trackers_are_not_measured_under_tensorrt(
    tiny: TrackerSpec, coverage: Coverage, tmp_path: Path
) -> None:
    request = Request(Device.of("agx:tensorrt"), tiny, replace(coverage, decides=True))
    with pytest.raises(UsageError, match="static trackers"):
        emit_kit(request, tmp_path / "kit")
