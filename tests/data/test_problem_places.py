"""Problems of data name where to look: a line of the annotation file, or an entry of the one that lists all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from compress.core import CompressWarning
from compress.data import open_source
from compress.data.checking import check_data
from compress.data.index import Problem
from compress.testing.recorded_layouts import moving, write_boxes, write_frames


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path / "home"))


def _problem(location: str) -> Problem:
    (problem,) = check_data(open_source(location)).problems
    return problem


def _nfs(root: Path, change: dict[int, str]) -> str:
    write_frames(root / "bee" / "30" / "bee", range(1, 4), 5)
    lines = [change.get(number, f'0 5 6 25 26 {number} 0 0 1 "bee"') for number in range(1, 25)]
    (root / "bee" / "30" / "bee.txt").write_text("\n".join(lines))
    return f"nfs:{root}"


def test_every_eighth_line_of_nfs_is_named_by_its_number(tmp_path: Path) -> None:
    found = _problem(_nfs(tmp_path / "a", {17: "0 500 6 520 26 17 0 0 1"}))
    assert (found.sequence, found.line, found.fatal) == ("bee", 17, False)
    assert "bee.txt line 17: the box is outside of the 96x72 frame" in found.text
    found = _problem(_nfs(tmp_path / "b", {9: "0 5 6"}))
    assert (found.line, found.fatal) == (9, True)
    assert "but line 9 is '0 5 6'" in found.text
    found = _problem(_nfs(tmp_path / "c", {1: "0 5 6 25 26 1 1 0 1"}))
    assert (found.line, found.fatal) == (1, True)
    assert "line 1: the first box has no area" in found.text


def test_lines_that_a_reader_passes_over_count(tmp_path: Path) -> None:
    """Tiger1 of OTB starts at the sixth frame and line."""
    boxes = moving(354)
    boxes[7, 0] = 900
    write_boxes(tmp_path / "Tiger1" / "groundtruth_rect.txt", boxes)
    write_frames(tmp_path / "Tiger1" / "img", range(6, 355), 4)
    with pytest.warns(CompressWarning, match="lacks 99 of 100"):
        assert _problem(f"otb:{tmp_path}").line == 8


def test_objects_of_coco_are_named_by_their_annotations(tmp_path: Path) -> None:
    about = {"id": 77, "image_id": 1, "bbox": [500, 2, 60, 70], "iscrowd": 0}
    (tmp_path / "annotations").mkdir()
    path = tmp_path / "annotations" / "instances_val2017.json"
    path.write_text(json.dumps({"annotations": [about], "images": [{"id": 1, "file_name": "1.jpg"}]}))
    write_frames(tmp_path / "val2017", [1], 1)
    found = _problem(f"coco:{tmp_path}:val2017")
    assert (found.sequence, found.line, found.fatal) == ("1-77", None, False)
    assert f"{path} annotation 77: the box is outside of the 96x72 frame" in found.text


def test_labels_are_named_by_line(tmp_path: Path) -> None:
    write_frames(tmp_path / "a", range(1, 4), 8)
    write_boxes(tmp_path / "a" / "groundtruth.txt", moving(3))
    (tmp_path / "a" / "cover.label").write_text("8\n8\nx\n")
    found = _problem(f"folder:{tmp_path}")
    assert (found.line, found.fatal) == (3, True)
    assert "cover.label must hold a number per image but line 3 holds 'x'" in found.text
