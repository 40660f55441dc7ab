"""Bundles in other precisions, by the commands: what they cost is told, kept, held against a bound, and verified."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compress.cli import main
from compress.cli.conversion import Conversion
from compress.core import Accuracy, CompressError, Latency
from compress.core.progress import no_progress
from compress.export import AccuracyDrop, TrainedTracker
from compress.geometry import LoopSettings
from compress.models import build
from compress.runtime import open_bundle
from compress.testing.bundle_specs import ADAPTIVE
from compress.testing.trained_run import STATIC


def _cli(*words: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    return int(stop.value.code or 0)


def _exported(run: Path, out: Path, data: str, *more: object) -> dict[str, Any]:
    assert _cli("export", run, "--variant", "v000", "--out", out, "--data", data, "--quiet", *more) == 0
    return open_bundle(out).manifest


def test_a_variant_in_int8(run: Path, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "b"
    manifest = _exported(run, out, data, "--precision", "int8", "--max-drop", 1)
    told = capsys.readouterr().out
    assert "PyTorch and onnxruntime in fp32 agree" in told
    assert "left in float" in told
    assert "times as fast" in told
    found = manifest["precision"]
    assert (found["precision"], found["calibration"], found["pairs"]) == ("int8", "dynamic", 32)
    drop = found["measured"]["accuracy"]
    assert drop["drop"] == drop["before"]["ao"] - drop["after"]["ao"]
    assert manifest["accuracy"] == drop["after"]
    assert (drop["before"]["precision"], drop["after"]["precision"]) == ("fp32", "int8")
    assert found["measured"]["speed"]["int8"]["p50_ms"] > 0
    assert found["measured"]["data"] == data
    assert found["measured"]["runtime"].startswith("onnxruntime ")
    assert {"device", "threads"} <= set(found["measured"])
    assert _cli("verify", out) == 0
    assert _cli("verify", out, "--against", run, "--data", data) == 0
    assert "The weights, converted again, agree" in capsys.readouterr().out
    found["float_layers"] = ["blocks.0"] if found["float_layers"] != ["blocks.0"] else []
    (out / "bundle.json").write_text(json.dumps(manifest))
    assert _cli("verify", out, "--against", run, "--data", data) == 1
    assert "do not agree" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("more", [("fp16",), ("int8", "--calibration", "percentile")])
def test_a_variant_in_other_precisions(
    more: tuple[str, ...], run: Path, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "b"
    manifest = _exported(run, out, data, "--max-drop", 1, "--precision", *more)
    assert manifest["precision"]["precision"] == more[0]
    assert _cli("verify", out) == 0
    assert _cli("verify", out, "--against", run, "--data", data) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--calibration", "entropy"), "--calibration and --train-data are of int8"),
        (("--precision", "fp32", "--max-drop", "0.1"), "in fp32 nothing is lost"),
        (("--precision", "int8", "--variant", "v003", "--single-graph"), "Leave --single-graph out"),
        (
            ("--precision", "int8", "--variant", "v003", "--calibration", "entropy", "--train-data", "no-such-data"),
            "Leave --calibration out, or give --calibration dynamic",  # before any data is opened
        ),
    ],
)
def test_what_means_nothing_is_refused(
    words: tuple[str, ...], message: str, run: Path, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _cli("export", run, "--out", tmp_path / "b", "--data", data, *words) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "b").exists()


def test_more_loss_than_the_bound_is_refused() -> None:
    before = Accuracy(0.6, 0.6, 0.01, 0.6, 0.3, 0.5, 0.6, 0.6, 2, 100, (0.6, 0.6))
    drop = AccuracyDrop(before, replace(before, ao=0.55, ao_seq=0.55, sequence_aos=(0.5, 0.6), precision="int8"))
    drop.check(0.051)
    with pytest.raises(CompressError, match=r"loses 0.050 AO \(AO 0.600 in fp32, 0.550 in int8; by sequence -0.050"):
        drop.check(0.02)
    with pytest.raises(CompressError, match=r"written\. Try another --calibration"):
        drop.check(0.02)
    with pytest.raises(CompressError, match=r"written\. Give a larger --max-drop, or leave --precision out"):
        replace(drop, after=replace(drop.after, precision="fp16")).check(0.02)


def test_other_thresholds_change_no_precision() -> None:
    spec = ADAPTIVE["exits"]
    source = TrainedTracker(build(spec).eval(), "v000", {}, precision="int8")
    exits = (replace(spec.exits[0], tau=0.25), *spec.exits[1:])
    other = source.at(replace(spec, exits=exits))
    assert other.model.spec != spec
    assert other.precision == "int8"


@pytest.mark.parametrize(("runtime", "kept"), [("onnxruntime 1.31", True), ("onnxruntime 1.31 int8", False)])
def test_a_latency_in_int8_is_none_of_a_bundle_in_fp32(runtime: str, kept: bool) -> None:
    """As of a variant that was fine-tuned, and so scored in fp32, in a run that aims at int8."""
    latency = Latency(1.0, 1.0, 1.0, 1.0, 1.0, "measured", 1, 0, 1, runtime, "host")
    source = TrainedTracker(build(STATIC).eval(), "v000", {}, latency=latency)
    found = Conversion(source, LoopSettings.of(STATIC)).run(no_progress)
    assert found.latency == (latency if kept else None)
    assert found.low is None
