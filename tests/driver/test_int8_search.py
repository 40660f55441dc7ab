"""A search for a target in int8, to its bundle: scored, exported, verified and run as the same graphs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from compress import search
from compress.cli import main
from compress.core import TrackerSpec
from compress.data import open_source
from compress.evaluate import evaluate
from compress.geometry import LoopSettings
from compress.measure import Coverage
from compress.runtime import BundleNetwork, open_bundle
from compress.spaces import load_space
from compress.testing.recorded_profile import keep_recorded_profile
from compress.testing.search_inputs import SETTINGS
from compress.testing.small_teacher import small_teacher

TARGET = "cpu:onnxruntime-int8"


def _answer(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    assert stop.value.code == 0
    return capsys.readouterr().out


@pytest.mark.slow
def test_a_front_of_int8_scores(
    home: Path, weights: str, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    teacher: TrackerSpec = small_teacher()
    keep_recorded_profile(teacher, Coverage.of_space(teacher, load_space("ostrack")), target=TARGET)
    settings = SETTINGS | {"target": TARGET, "speedup": 0.2}
    run = search(out=tmp_path / "run", weights=weights, data=data, **settings)
    full = [record for record in (run.teacher, *run.records) if record.fidelity == "full"]
    assert len(full) > 1
    assert all(record.accuracy and record.accuracy.precision == "int8" for record in full)
    assert all(record.measured and record.measured.runtime.endswith(" int8") for record in full)
    below = [record for record in run.records if record.accuracy and record.fidelity != "full"]
    assert below
    assert {record.accuracy.precision for record in below if record.accuracy} == {"fp32"}
    assert "the int8 graphs under onnxruntime" in (run.run_dir / "report" / "index.html").read_text()
    best = next(record for record in full if not record.is_teacher)
    assert best.accuracy is not None
    assert [entry.get("precision") for entry in best.rungs] == [None, None, "int8"]

    out = tmp_path / "bundle"
    told = _answer(capsys, "export", run.run_dir, "--variant", best.variant, "--out", out, "--data", data)
    assert "In int8 as the search scored it" in told
    bundle = open_bundle(out)
    assert bundle.manifest["precision"]["precision"] == "int8"
    assert bundle.manifest["accuracy"] == json.loads(json.dumps(best.accuracy.to_dict()))
    again = evaluate(BundleNetwork(bundle), LoopSettings.of(bundle.spec), open_source(data).sequences("search"))
    assert again.accuracy.sequence_aos == best.accuracy.sequence_aos
    assert "files are as exported" in _answer(capsys, "verify", out)
    assert "converted again, agree" in _answer(capsys, "verify", out, "--against", run.run_dir, "--data", data)
    boxes = tmp_path / "boxes.txt"
    _answer(capsys, "track", out, "--video", "generated", "--out", boxes)
    assert boxes.read_text().count("\n") > 1
