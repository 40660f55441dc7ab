"""What an earlier evaluation has left in a folder is never taken for what a later one found."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from compress.core import FileError, UsageError
from compress.data import open_source
from compress.evaluate import EvaluationOptions, run_evaluation
from compress.testing.brightest_cell import BrightestCellTracker

FIGURES = {"summary.json", "summary.csv", "metrics.csv", "success.svg", "precision.svg", "norm_precision.svg"}


@pytest.fixture
def data(tmp_path: Path, slide: Any) -> Path:
    """Three sequences of 3 frames."""
    for name in "abc":
        sequence = slide(name, length=3)
        (tmp_path / "data" / name).mkdir(parents=True)
        for index in range(3):
            cv2.imwrite(str(tmp_path / "data" / name / f"{index + 1}.png"), sequence.frame(index))
        lines = [",".join(f"{v:g}" for v in box) for box in sequence.boxes]
        (tmp_path / "data" / name / "groundtruth.txt").write_text("\n".join(lines))
    return tmp_path / "data"


def _run(data: Path, weights: str = "bright", progress: Any = None, **options: Any) -> set[str]:
    """The files in the folder of results, then."""
    place = data.parent / "r"
    more = () if progress is None else (progress,)
    tracker = BrightestCellTracker(weights=weights)
    run_evaluation(tracker, open_source(f"folder:{data}"), EvaluationOptions(place, **options), *more)
    return _files(place)


def _files(place: Path) -> set[str]:
    found = {path.relative_to(place).as_posix() for path in place.rglob("*") if not path.is_dir()}
    return {name for name in found if not name.startswith(".compress/")}


def _stopped(data: Path, **options: Any) -> None:
    """An evaluation that ends after the second sequence."""

    def stop(_: str, share: float, __: Any = None) -> None:
        if share > 0.7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _run(data, progress=stop, **options)


def test_another_tracker_in_another_format_leaves_nothing_of_the_first(data: Path) -> None:
    _run(data, file_format="got10k")
    assert (data.parent / "r" / "submission.zip").is_file()
    assert _run(data, "other", file_format="pytracking") == FIGURES | {
        f"{name}{end}.txt" for name in "abc" for end in ("", "_time")
    }
    assert not (data.parent / "r" / "a").exists(), "an empty folder"


def test_sequences_that_are_no_more_evaluated(data: Path) -> None:
    assert _run(data) == FIGURES | {"a.txt", "b.txt", "c.txt"}
    shutil.rmtree(data / "b")
    assert _run(data) == FIGURES | {"a.txt", "c.txt"}
    with (data.parent / "r" / "metrics.csv").open() as file:
        assert [line.partition(",")[0] for line in file] == ["sequence", "a", "c", "all"]


def test_curves_of_another_convention_go(data: Path) -> None:
    _run(data)
    found = _run(data, metrics="got10k", resume=True)
    assert found == FIGURES - {"precision.svg", "norm_precision.svg"} | {"a.txt", "b.txt", "c.txt"}


def test_a_stopped_evaluation_goes_on_in_another_format_without_half_of_the_first(data: Path) -> None:
    _stopped(data)
    assert _files(data.parent / "r") == {"a.txt", "b.txt"}
    found = _run(data, resume=True, file_format="got10k")
    assert found == FIGURES | {"submission.zip"} | {f"{n}/{n}_{end}.txt" for n in "abc" for end in ("001", "time")}
    assert _run(data, resume=True) == found | {"a.txt", "b.txt", "c.txt"}, "of the same evaluation, and whole"


def test_files_of_others_are_neither_removed_nor_replaced(data: Path) -> None:
    place = data.parent / "r"
    _run(data)
    (place / "notes.txt").write_text("mine")
    assert "notes.txt" in _run(data, "other")
    (place / "a").mkdir()
    (place / "a" / "a_001.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"a_001\.txt is there already, and no result"):
        _run(data, "other", file_format="got10k")
    assert (place / "a" / "a_001.txt").read_text() == "mine"
    assert "a.txt" in _files(place), "nothing was begun"


@pytest.mark.parametrize("name", ["metrics.csv", "attributes.csv"])
def test_tables_of_others_are_not_replaced(data: Path, name: str) -> None:
    (data.parent / "r").mkdir()
    (data.parent / "r" / name).write_text("mine")
    with pytest.raises(UsageError, match=f"{name} is there already"):
        _run(data)


@pytest.mark.parametrize("path", ["../data/a/groundtruth.txt", "/etc/passwd", ".compress/evaluation.json", 5])
def test_a_list_of_files_that_leads_elsewhere_is_refused(data: Path, path: object) -> None:
    _run(data)
    listed = data.parent / "r" / ".compress" / "files.json"
    assert {"a.txt", "b.txt", "c.txt"} == set(json.loads(listed.read_text())["results"])
    listed.write_text(json.dumps({"results": [path], "figures": []}))
    with pytest.raises(FileError, match=r"files\.json is not a list of files of results"):
        _run(data, "other")
    assert (data / "a" / "groundtruth.txt").is_file()


def test_links_do_not_lead_out_of_the_folder(data: Path) -> None:
    place = data.parent / "r"
    _run(data, file_format="got10k")
    shutil.move(place / "a", data.parent / "elsewhere")
    (place / "a").symlink_to(data.parent / "elsewhere")
    boxes = np.loadtxt(place / "a" / "a_001.txt", delimiter=",")
    assert "a.txt" in _run(data, "other")
    np.testing.assert_array_equal(np.loadtxt(data.parent / "elsewhere" / "a_001.txt", delimiter=","), boxes)
