"""`compress data` counts what is there and finds what is wrong, by sequence and line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from compress.cli import main


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path / "home"))


def _sequence(folder: Path, boxes: str, **labels: str) -> None:
    folder.mkdir(parents=True)
    for number in (1, 2, 3):
        cv2.imwrite(str(folder / f"{number:08d}.jpg"), np.full((48, 64, 3), 60 * number, np.uint8))
    (folder / "groundtruth.txt").write_text(boxes)
    for name, text in labels.items():
        (folder / f"{name}.label").write_text(text)


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    _sequence(tmp_path / "videos" / "a", "1,2,3,4\n2,3,4,5\n-1,-1,-1,-1\n")
    _sequence(tmp_path / "videos" / "b", "1,2,3,4\n2,3,4,5\n3,4,5,6\n")
    return tmp_path / "videos"


def _run(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> tuple[str, str]:
    with pytest.raises(SystemExit) as stop:
        main(["data", *words])
    found = capsys.readouterr()
    assert stop.value.code == code, found.err
    return found.out, found.err


def _json(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_run(capsys, *words, "--json", code=code)[0])
    return found


def test_what_is_there(videos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = _json(capsys, f"folder:{videos}", "--strict")
    assert (found["sequences"], found["frames"], found["visible"], found["problems"]) == (2, 6, 5, [])
    out, _ = _run(capsys, f"folder:{videos}")
    assert "sequences    2\nframes       6\nvisible      5\n" in out
    both = _json(capsys, f"folder:{videos / 'a'}@2,folder:{videos / 'b'}")
    assert (both["sequences"], both["frames"], both["name"].count("@")) == (2, 6, 2)


@pytest.mark.parametrize(
    ("boxes", "labels", "line", "said", "fatal"),
    [
        ("1,2,3,4\n2,3,4\n3,4,5,6\n", {}, 2, "line 2 is '2,3,4'", True),
        ("1,2,3,4\n1,nan,3,4\n3,4,5,6\n", {}, 2, "line 2 is '1,nan,3,4'", True),
        ("1,2,3,4\n2,3,4,5\n", {}, None, "2 boxes but .* 3 images", True),
        ("1,2,3,4\n90,3,4,5\n3,4,5,6\n", {}, 2, "line 2: the box is outside of the 64x48 frame", False),
        ("1,2,3,4\n2,3,0,5\n3,4,5,6\n", {"cover": "8\n8\n8\n"}, 2, "marked as visible but its box has no area", False),
        ("1,2,3,4\n2,3,4,5\n3,4,5,6\n", {"absence": "0\n0\n"}, None, "2 numbers but .* 3 images", True),
        ("0,0,0,0\n2,3,4,5\n3,4,5,6\n", {}, 1, "line 1: the first box has no area", True),
    ],
)
def test_what_is_wrong(
    boxes: str,
    labels: dict[str, str],
    line: int | None,
    said: str,
    fatal: bool,
    videos: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _sequence(videos / "odd", boxes, **labels)
    (problem,) = _json(capsys, f"folder:{videos}")["problems"]
    assert (problem["sequence"], problem["line"], problem["fatal"]) == ("odd", line, fatal)
    assert re.search(said, problem["text"])
    _, err = _run(capsys, f"folder:{videos}", "--strict", code=1)
    assert "1 problem in 1 of 3 sequences" in err


def test_an_unreadable_first_frame(videos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (videos / "b" / "00000001.jpg").write_bytes(b"no image")
    (problem,) = _json(capsys, f"folder:{videos}")["problems"]
    assert problem["fatal"]
    assert "first frame cannot be read" in problem["text"]


def test_the_contact_sheet(videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (videos / "b" / "00000001.jpg").write_bytes(b"no image")
    sheet = tmp_path / "sheet.png"
    _run(capsys, f"folder:{videos}", "--contact-sheet", str(sheet))
    picture = cv2.imread(str(sheet))
    assert picture.shape == (202, 480, 3)
    assert (picture[90, 120] == 60).all(), "the first frame, in the middle of its cell"
    green = np.argwhere((picture == (0, 220, 0)).all(axis=2))
    np.testing.assert_array_equal(green.min(axis=0), [66 + 2, 88 + 1])
    np.testing.assert_array_equal(green.max(axis=0), [66 + 6, 88 + 4])
    assert (picture[90, 360] == 70).all(), "what cannot be read is grey"
    _, err = _run(capsys, f"folder:{videos}", "--contact-sheet", str(tmp_path / "sheet.txt"), code=2)
    assert "must be a .jpg or .png" in err


def test_help_lists_readers(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = _run(capsys, "--help")
    assert "got10k:PATH[:SPLIT]" in out
