"""A search over the sizes of crops, from its front to a bundle that tracks."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from compress import search
from compress.archive import Archive
from compress.runtime import open_bundle
from compress.testing.commands import exit_code
from compress.testing.small_teacher import SMALL

pytestmark = pytest.mark.slow

SPACE = """
knobs:
  depth: [3]
  search_size: [3/4]
  template_size: [1/2]
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, weights: str, data: str) -> Archive:
    folder = tmp_path_factory.mktemp("crops")
    (folder / "crops.yaml").write_text(SPACE)
    settings = {"teacher": SMALL, "weights": weights, "data": data, "target": "agx", "steps": 2, "pool": 64}
    return search(
        out=folder / "run", space=str(folder / "crops.yaml"), trials=1, speedup=1.01, device="cpu", **settings
    )


def test_a_student_of_smaller_crops_is_found(found: Archive) -> None:
    one = next(record for record in found.records if record.status == "done")
    assert (one.spec.search_size, one.spec.template_size) == (48, 16)
    assert one.fidelity == "full"
    assert one.accuracy is not None
    with (found.run_dir / "trials.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["variant"]: row for row in csv.DictReader(file)}
    assert (rows[one.variant]["search_size"], rows[one.variant]["template_size"]) == ("48", "16")
    assert rows["teacher"]["search_size"] == "64"
    assert "crops of 48 and 16 px" in (found.run_dir / "report" / "index.html").read_text(encoding="utf-8")


def test_its_bundle_agrees_and_tracks(found: Archive, data: str, tmp_path: Path) -> None:
    """Graphs take the student's own crops; boxes are those of PyTorch."""
    bundle, variant = tmp_path / "bundle", next(r.variant for r in found.records if r.status == "done")
    assert exit_code("export", found.run_dir, "--variant", variant, "--data", data, "--out", bundle) == 0
    opened = open_bundle(bundle)
    assert (opened.spec.search_size, opened.spec.template_size) == (48, 16)
    assert exit_code("verify", bundle, "--against", found.run_dir, "--data", data) == 0
    folder = Path(data.removeprefix("folder:")) / "s0"
    box = (folder / "groundtruth.txt").read_text().splitlines()[0]
    assert exit_code("track", bundle, "--video", folder, "--init", box, "--out", tmp_path / "boxes.txt") == 0
    assert len((tmp_path / "boxes.txt").read_text().splitlines()) == 8
