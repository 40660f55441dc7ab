"""One search over precisions: each student scored, timed and exported in its own."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compress import search
from compress.archive import read_archive
from compress.core import UsageError
from compress.driver.cascades.files import members_of
from compress.runtime import open_bundle
from compress.testing.search_inputs import SETTINGS

Said = Callable[..., Any]


@pytest.mark.slow
def test_a_front_of_both(weights: str, data: str, tmp_path: Path, said: Said) -> None:
    space = tmp_path / "mixed.yaml"
    space.write_text("knobs:\n  depth: {from: 1, to: 4}\n  mlp_ratio: [1, 2]\n  precision: [fp32, fp16, int8]\n")
    settings = SETTINGS | {"space": str(space), "speedup": 0.2, "trials": 8, "eta": 2, "members": 8}
    run = search(out=tmp_path / "run", weights=weights, data=data, **settings)
    log = (run.run_dir / "log.txt").read_text()
    assert "The precision fp16 is left out of the space: on cpu students run in fp32 or int8." in log
    full = {record.variant: record for record in run.records if record.fidelity == "full"}
    assert {record.spec.precision for record in full.values()} == {"fp32", "int8"}
    for record in full.values():
        assert record.accuracy is not None
        assert record.measured is not None
        assert record.predicted is not None
        in_int8 = record.spec.precision == "int8"
        assert record.accuracy.precision == record.spec.precision == run.runs_in(record)
        assert record.measured.runtime.endswith(" int8") == record.predicted.runtime.endswith(" int8") == in_int8
        assert [entry.get("precision") for entry in record.rungs] == [None, None, "int8" if in_int8 else None]
    assert run.teacher.accuracy is not None
    assert run.teacher.accuracy.precision == "fp32"
    page = (run.run_dir / "report" / "index.html").read_text()
    assert "every AO is that of the variant" in page
    assert "runs in" in page
    with (run.run_dir / "trials.csv").open() as file:
        rows = {row["variant"]: row for row in csv.DictReader(file)}
    assert all(rows[name]["runs_in"] == full[name].spec.precision == rows[name]["precision"] for name in full)

    files = {record.weights_file for record in full.values()}
    assert {path.name for path in (run.run_dir / "checkpoints").iterdir()} >= files
    low = next(record for record in full.values() if record.spec.precision == "int8")
    out, exact = tmp_path / "bundle", tmp_path / "exact"
    words = ("export", run.run_dir, "--variant", low.variant, "--data", data)
    assert said(*words, "--out", out)["precision"]["precision"] == "int8"
    bundle = open_bundle(out)
    assert bundle.spec == low.spec
    assert low.accuracy is not None
    assert bundle.manifest["accuracy"] == json.loads(json.dumps(low.accuracy.to_dict()))
    assert said("verify", out, "--against", run.run_dir, "--data", data)["parity"]
    said(*words, "--precision", "fp32", "--out", exact)
    bundle = open_bundle(exact)
    assert "precision" not in bundle.manifest
    assert bundle.spec == low.spec.in_fp32
    assert said("verify", exact, "--against", run.run_dir, "--data", data)["parity"]
    with pytest.raises(UsageError, match=f"{low.variant} is in int8, but a cascade is tracked and exported in fp32"):
        members_of(read_archive(run.run_dir), low.variant, "teacher")
