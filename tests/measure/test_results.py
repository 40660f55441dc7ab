"""What comes back from a device is hostile until checked."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compress.core import FileError
from compress.latency import MeasuredLatency, load_profile
from compress.measure.kit.ingest import ingest

Change = Callable[[dict[str, Any]], Any]


@pytest.fixture(autouse=True)
def _at_home(measured_kit: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copytree(measured_kit.home, tmp_path / "home")
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize("filling", ["[],", "1,", '{"":0},', "[0,0],"])
def test_more_figures_than_any_kit_measures_are_refused_before_they_are_made(
    tmp_path: Path, filling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the commas and brackets of the text: a gigabyte of lists is never built."""
    monkeypatch.setattr("compress.measure.kit.results._MOST_FIGURES", 10_000)
    monkeypatch.setattr("compress.measure.kit.results.parse_json", lambda *_: pytest.fail("it was read"))
    path = tmp_path / "results.json"
    path.write_text(_signed('{"batches":[' + filling * 10_001 + "0]}"))
    with pytest.raises(FileError, match="more than 10000 figures"):
        ingest(path)


def test_a_deep_or_a_large_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "results.json"
    path.write_text(_signed('{"batches":' + "[" * 5000 + "]" * 5000 + "}"))
    with pytest.raises(FileError, match="nested"):
        ingest(path)
    monkeypatch.setattr("compress.measure.kit.results._MAX_BYTES", 1000)
    with pytest.raises(FileError, match="larger than any results of a kit"):
        ingest(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(FileError, match="no regular file"):
        ingest(path)


def _profiles(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "home").glob("profiles/*"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text[: len(text) // 2], "cut off"),
        (lambda text: text[:-3], "cut off"),
        (lambda text: "", "cut off"),
        (lambda text: text.replace('"threads":1', '"threads":2'), "changed after it was measured"),
        (lambda text: text.replace("Linux", "Linuz", 1), "changed after it was measured"),
        (lambda text: json.dumps(json.loads(text), indent=1), "written by something else"),
        (lambda text: '{"device": "agx", "ms": [1, 2]}', "written by something else"),
        (lambda text: text.replace("x", "é", 1), "no text"),
    ],
    ids=["half", "end missing", "empty", "edited number", "edited word", "reformatted", "foreign", "not ascii"],
)
def test_damaged_files_are_refused(measured_kit: Any, tmp_path: Path, change: Callable[[str], str], words: str) -> None:
    path = tmp_path / "results.json"
    path.write_text(change(measured_kit.results.read_text()), encoding="utf-8")
    with pytest.raises(FileError, match=words):
        ingest(path)
    assert _profiles(tmp_path) == []


def _first(body: dict[str, Any]) -> list[float]:
    return body["batches"][0][0][0]  # type: ignore[no-any-return]


def _slower(body: dict[str, Any], by: float) -> None:
    """The second half of the rounds."""
    for call in body["batches"][0]:
        for i in range(len(call) // 2, len(call)):
            call[i] = [ms * by for ms in call[i]]


def _uneven(body: dict[str, Any]) -> None:
    for call in body["batches"][0]:
        call[::2] = [[ms * 1.5 for ms in visit] for visit in call[::2]]


def _steady(body: dict[str, Any]) -> None:
    """What this host measured, without what else ran on it."""
    for call in body["batches"][0]:
        call[:] = [sorted(call[0]) for _ in call]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda body: _first(body).__setitem__(0, -1.0), "no network takes"),
        (lambda body: _first(body).__setitem__(0, 1e9), "no network takes"),
        (lambda body: _first(body).__setitem__(0, float("nan")), "no network takes"),
        (lambda body: _first(body).pop(), "not the same number"),
        (lambda body: body["batches"][0].pop(0), "not hold what the kit"),
        (lambda body: body["batches"].append(body["batches"][0]), "add up to|not hold what the kit"),
        (lambda body: body.update(batches=[]), "no times"),
        (lambda body: body.update(batches="x"), "no times"),
        (lambda body: body.update(seconds=0.001), "add up to"),
        (lambda body: body.update(threads=2), "not hold what the kit"),
        (lambda body: body.update(device="two\nlines"), "printable"),
        (lambda body: body.update(device="\x1b[2J"), "device must be"),
        (lambda body: body.update(version=10**400), "smaller integer"),
        (lambda body: body.update(threads="x", seconds="y"), "threads.*seconds"),
        (lambda body: body.update(more=1), "more is not a known field"),
        (lambda body: body.pop("runtime"), "runtime is missing"),
        (lambda body: body.update(format="other"), "'other' in version 1"),
        (lambda body: body.update(kit="k0000000000000000"), "not written here"),
        (lambda body: body.update(kit="../kits/x"), "not written here"),
        (lambda body: body.update(kit="k" * 400), "not written here"),
        (lambda body: body.update(format=[[]] * 9), "format must be a text"),
        (lambda body: body.update(format="x" * 10_000), "it is 'xxx"),
        (lambda body: body.update(batches=[[[["1"] * 5] * 12] * 46]), "repeat"),
        (lambda body: body.update(batches=[[[[[1.0]]]]]), "not figures by network"),
        (lambda body: body.update(seconds=-1), "add up to"),
        (lambda body: body.update(batches=[[10**400]]), "smaller integer"),
        (lambda body: body["conditions"].update(gpu="x" * 1000), "printable"),
        (lambda body: [call.__setitem__(slice(None), [[1.0] * 5] * 12) for call in body["batches"][0]], "repeat"),
        (lambda body: body["batches"][0].reverse(), "no longer with a network"),
    ],
)
def test_figures_that_cannot_be_are_refused(measured_kit: Any, tmp_path: Path, change: Change, words: str) -> None:
    with pytest.raises(FileError, match=words):
        ingest(_written(measured_kit, tmp_path, change))
    assert _profiles(tmp_path) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda body: _slower(body, 1.3), r"it became \d+% slower while it was timed: it throttles"),
        (lambda body: _slower(body, 0.7), r"it became \d+% faster"),
        (_uneven, r"two halves of the rounds are \d+% apart"),
    ],
    ids=["throttling", "neighbour left", "noise"],
)
def test_what_a_noisy_device_measured_has_wider_errors_and_says_so(
    measured_kit: Any, tmp_path: Path, change: Change, words: str
) -> None:
    def noisy(body: dict[str, Any]) -> None:
        _steady(body)
        change(body)

    steady, _ = ingest(_written(measured_kit, tmp_path, _steady))
    profile, path = ingest(_written(measured_kit, tmp_path, noisy))
    assert steady.noise == 0
    assert profile.noise == pytest.approx(0.3, abs=0.16)
    errors, limits = MeasuredLatency(load_profile(path)).errors, MeasuredLatency(load_profile(path)).limits
    assert errors is not None
    assert profile.noise <= errors.mean <= errors.max
    assert re.search(words, limits)


def test_results_of_another_home_need_their_kit(
    measured_kit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path / "elsewhere"))
    with pytest.raises(FileError, match="not written here"):
        ingest(measured_kit.results)
    assert ingest(measured_kit.results, kit=measured_kit.folder)[0].target == "board"


def test_a_changed_kit_is_refused(measured_kit: Any, tmp_path: Path) -> None:
    place = tmp_path / "home" / "kits" / f"{measured_kit.id}.json"
    kit = json.loads(place.read_text())
    place.write_text(json.dumps(kit | {"target": "agx"}))
    with pytest.raises(FileError, match="not the kit of these results"):
        ingest(measured_kit.results)
    for name, wrong in (
        ("threads", 0),
        ("threads", 100_000),
        ("schedule", None),
        ("schedule", kit["schedule"] | {"rounds": 0}),
        ("coverage", kit["coverage"] | {"mlp_hidden": []}),
        ("coverage", kit["coverage"] | {"mlp_hidden": [[5, 5]]}),
        ("coverage", kit["coverage"] | {"attn_dims": [1, 10**15]}),
        ("teacher", kit["teacher"] | {"dim": 10**15}),
    ):
        place.write_text(json.dumps(kit | {name: wrong}))
        with pytest.raises(FileError, match=f"is damaged: kit.*{name}"):
            ingest(measured_kit.results)
    place.write_text("[1")
    with pytest.raises(FileError, match="not a kit's plan"):
        ingest(measured_kit.results)


def _written(measured_kit: Any, tmp_path: Path, change: Change) -> Path:
    """Changed results with a checksum that fits: by someone who knows how."""
    body = copy.deepcopy(json.loads(measured_kit.results.read_text())["body"])
    change(body)
    path = tmp_path / "results.json"
    path.write_text(_signed(json.dumps(body, separators=(",", ":"))))
    return path


def _signed(text: str) -> str:
    return f'{{"sha256":"{hashlib.sha256(text.encode()).hexdigest()}","body":{text}}}\n'
