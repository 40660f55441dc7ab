"""A search among adaptive trackers, for real: trained, counted, timed in stages, exported."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from compress import search
from compress.archive import Archive, Record, read_archive
from compress.cli import main
from compress.testing.search_inputs import SETTINGS

SPACE = """\
knobs:
  depth: [3, 4]
  mlp_ratio: [1, 2]
  bypass: [learned]
  tau0: [0.5]
  n_enf: [1]
  exits: [1/2]
  adapters: [0]
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, weights: str, data: str) -> Archive:
    folder = tmp_path_factory.mktemp("adaptive")
    space = folder / "dynamic.yaml"
    space.write_text(SPACE)
    settings = SETTINGS | {"trials": 2, "generation": 2, "fps_at": "worst"}
    return search(out=folder / "run", weights=weights, data=data, space=str(space), **settings)


def _full(archive: Archive) -> Record:
    return next(r for r in archive.records if r.fidelity == "full")


def test_frames_are_counted_and_paths_timed(found: Archive) -> None:
    record = _full(found)
    assert record.spec.bypass is not None
    assert len(record.spec.exits) == 2
    assert record.paths is not None
    assert sum(record.paths.values()) == 14  # of two sequences of eight frames, all but the first
    assert record.layers_used is not None
    assert 1 <= record.layers_used <= len(record.spec.layers)
    for latency in (record.predicted, record.measured):
        assert latency is not None
        assert latency.worst_ms is not None
    assert record.measured.provenance == "measured"  # type: ignore[union-attr]
    assert record.latency_error is not None
    assert found.teacher.measured is not None
    assert found.teacher.measured.worst_ms is None


def test_the_worst_path_is_bound_before_training(found: Archive) -> None:
    # Against the teacher as predicted: the bound in the archive is of what was measured in the end.
    assert found.teacher.predicted is not None
    bound = found.constraint.value(found.teacher.predicted) / SETTINGS["speedup"]
    for record in found.records:
        assert record.predicted is not None
        assert record.predicted.worst_ms is not None
        assert (record.status == "rejected") == (record.predicted.worst_ms > bound)


def test_rungs_say_how_many_layers_were_used(found: Archive) -> None:
    untrained = [r for r in found.records if r.status == "done" and r.fidelity == "rung-0"]
    assert len(untrained) == 1
    assert untrained[0].optimistic
    for record in (*untrained, _full(found)):
        assert all(1 <= rung["layers"] <= len(record.spec.layers) for rung in record.rungs)


def test_what_was_told_can_be_read_again(found: Archive) -> None:
    again = read_archive(found.run_dir)
    assert _full(again).paths == _full(found).paths
    with (found.run_dir / "trials.csv").open() as file:
        rows = {row["variant"]: row for row in csv.DictReader(file)}
    row = rows[_full(found).variant]
    assert row["adaptive"] == "bypass exits"
    assert float(row["worst_ms"]) > 0
    assert float(row["mean_layers"]) == pytest.approx(_full(found).layers_used, rel=1e-5)


def test_students_are_not_scored_twice(found: Archive, weights: str, data: str, home: Path) -> None:
    kept = {path: path.stat().st_mtime_ns for path in (home / "students").rglob("*.json")}
    settings = SETTINGS | {"trials": 2, "generation": 2, "fps_at": "worst"}
    space = str(found.run_dir.parent / "dynamic.yaml")
    again = search(out=found.run_dir.parent / "again", weights=weights, data=data, space=space, **settings)
    assert {path: path.stat().st_mtime_ns for path in (home / "students").rglob("*.json")} == kept
    assert _full(again).paths == _full(found).paths


def test_other_commands_take_adaptive_variants(
    found: Archive, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(*words: str) -> dict[str, Any]:
        with pytest.raises(SystemExit) as stop:
            main([*words, "--json"])
        assert stop.value.code == 0
        return json.loads(capsys.readouterr().out)

    record, bundle = _full(found), tmp_path / "bundle"
    predicted = answer("latency", f"{found.run_dir}:{record.variant}")
    assert predicted["mean_ms"] == pytest.approx(record.predicted.mean_ms, rel=1e-4)  # type: ignore[union-attr]
    assert predicted["worst_ms"] == pytest.approx(record.predicted.worst_ms, rel=1e-4)  # type: ignore[union-attr]
    answer("export", str(found.run_dir), "--variant", record.variant, "--out", str(bundle), "--data", data)
    scored = answer("evaluate", str(bundle), "--data", data)
    assert scored["ao"] == pytest.approx(record.accuracy.ao, abs=2e-3)  # type: ignore[union-attr]
