"""Kits as a device gets them: whatever is wrong with kit.json is one paragraph, before anything is made of it."""

from __future__ import annotations

import copy
import json
import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from compress.core import FileError, HeadSpec, TrackerSpec
from compress.measure import Coverage
from compress.measure.kit.ingest import _kit_of
from compress.measure.kit.request import Request
from compress.measure.kit.writing import emit_kit, kit_id
from compress.measure.kit_runtime.checks import MOST_WEIGHTS
from compress.measure.kit_runtime.files import graph_file, make_weights, read_kit
from compress.measure.kit_runtime.run import main
from compress.measure.remote_profiles import Device

HUGE = 10**15


@pytest.fixture(scope="module")
def emitted(tiny: TrackerSpec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kit of adaptive trackers, whose plan has every kind of entry."""
    place = tmp_path_factory.mktemp("damaged")
    coverage = replace(Coverage.of(tiny), attn_dims=(), mlp_dims=(), decides=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMPRESS_HOME", str(place / "home"))
        patch.setattr("compress.measure.kit.request.network_of", lambda spec: spec)
        patch.setattr("compress.measure.kit.request.bundle_graphs", lambda *_: {})
        patch.setattr("compress.measure.kit.request.frame_graph", lambda *_: b"")
        patch.setattr("compress.measure.kit.writing.stripped", lambda _: (b"graph", 1000))
        emit_kit(Request(Device.of("board"), tiny, coverage, provider="cpu"), place / "kit")
    return place


@pytest.fixture
def plan(emitted: Path) -> dict[str, Any]:
    kit: dict[str, Any] = json.loads((emitted / "kit" / "kit.json").read_text())
    # The graphs of stages were not exported.
    for about in kit["trackers"].values():
        for _, name in (*about.get("stages", ()), *about.get("heads", ())):
            kit["graphs"][name] = {"file": f"graphs/{name}.onnx", "sha256": "0" * 64}
    return kit


def _written(folder: Path, kit: Any) -> str:
    (folder / "kit.json").write_text(json.dumps(kit))
    return str(folder)


def _set(*path: Any) -> Callable[[Any], None]:
    """A change that puts the last of `path` where the others lead."""

    def change(kit: Any) -> None:
        for key in path[:-2]:
            kit = list(kit.values())[0] if key == "first" else kit[key]
        kit[path[-2]] = path[-1]

    return change


def _without(*path: Any) -> Callable[[Any], None]:
    def change(kit: Any) -> None:
        for key in path[:-1]:
            kit = kit[key]
        del kit[path[-1]]

    return change


def test_a_kit_that_was_written_here_is_accepted(plan: dict[str, Any], tmp_path: Path) -> None:
    assert read_kit(_written(tmp_path, plan)) == plan


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_without("schedule"), "schedule must be an object"),
        (_without("threads"), "threads must be an integer from 1"),
        (_without("loop", "maps"), "loop.maps must hold"),
        (_set("threads", 100_000), "threads must be an integer from 1"),
        (_set("threads", True), "threads must be an integer from 1"),
        (_set("schedule", "rounds", 0), "schedule.rounds must be an integer from 2"),
        (_set("schedule", "rounds", -5), "schedule.rounds"),
        (_set("schedule", "rounds", float("nan")), "schedule.rounds"),
        (_set("schedule", "rounds", HUGE), "schedule.rounds"),
        (
            _set("schedule", {"rounds": 10**5, "dropped": 0, "timed": 10**5, "attempts": 1, "seed": 0}),
            "times of a batch",
        ),
        (_set("loop", "maps", "score_map", [1, 10**6, 10**6]), "loop.maps.score_map must have at most"),
        (_set("loop", "maps", "score_map", "x"), "loop.maps.score_map must be a shape"),
        (_set("loop", "maps", {"prob_tl": [4, 4]}), "loop.maps must hold the shapes of a head"),
        (_set("loop", "maps", "size_map", [2, 1, 1]), "loop.maps.size_map must be as wide"),
        (_set("loop", "settings", "search_size", HUGE), "loop.settings.search_size"),
        (_set("loop", "settings", "search_factor", float("inf")), "loop.settings.search_factor"),
        (_set("weights", "bytes", MOST_WEIGHTS + 1), "weights.bytes"),
        (_set("weights", "file", "../weights.bin"), "weights must be a file below"),
        (_set("graphs", "first", "file", "/etc/passwd"), "graphs must hold files below"),
        (_set("graphs", "first", "file", "graphs/../../x"), "graphs must hold files below"),
        (_set("graphs", "first", "sha256", None), "graphs must hold files below"),
        (_set("trackers", "first", "graph", "none"), "trackers must name graphs"),
        (_set("batches", 0, 0, "tracker", "none"), "batches must name trackers"),
        (_set("batches", []), "batches must be a list"),
        (_set("batches", 0, []), "batches must hold lists"),
        (_set("batches", 0, 0, "skipped", [1]), "a static tracker has no paths"),
        (_set("provider", None), "provider must be one of"),
        (_set("provider", ["cpu"]), "provider must be one of"),
    ],
)
def test_each_entry_is_checked(plan: dict[str, Any], tmp_path: Path, change: Callable[[Any], None], words: str) -> None:
    change(plan)
    with pytest.raises(FileError, match=words):
        read_kit(_written(tmp_path, plan))


@pytest.mark.parametrize("head", [HeadSpec("tokens", bins=24, score=True), HeadSpec("corner", channels=8)])
def test_maps_of_every_head_are_accepted(
    plan: dict[str, Any], tmp_path: Path, tiny: TrackerSpec, head: HeadSpec
) -> None:
    (tmp_path / "graphs").mkdir()
    plan["loop"]["maps"] = {name: list(shape) for name, shape in replace(tiny, head=head).maps.items()}
    assert main(["--kit", _written(tmp_path, plan), "--loop"]) == 0


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[" * 10**5, b"\xff", b"[]", b"{}", b'{"id": 1' + b"0" * 400 + b"}", b"9" * 10**6, b" " * 5_000_000],
    ids=["empty", "cut", "nested", "binary", "list", "object", "400 digits", "digits", "large"],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "kit.json").write_bytes(content)
    assert main(["--kit", str(tmp_path), "--loop"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("Error: ")
    assert error.count("\n") == 1


def test_pipes_and_absent_files_are_refused(tmp_path: Path, plan: dict[str, Any]) -> None:
    with pytest.raises(FileError, match="cannot be read"):
        read_kit(str(tmp_path))
    os.mkfifo(tmp_path / "kit.json")
    with pytest.raises(FileError, match="no regular file"):
        read_kit(str(tmp_path))
    name = next(iter(plan["graphs"]))
    (tmp_path / "graphs").mkdir()
    os.mkfifo(tmp_path / plan["graphs"][name]["file"])
    with pytest.raises(FileError, match="no regular file"):
        graph_file(plan, str(tmp_path), name)


def test_weights_beyond_the_disk_are_not_begun(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="bytes for weights"):
        make_weights(str(tmp_path / "weights.bin"), 1 << 60)
    assert list(tmp_path.iterdir()) == []


VALUES: list[Any] = [
    None,
    True,
    -1,
    0,
    HUGE,
    10**400,
    0.5,
    float("nan"),
    float("inf"),
    "",
    "x",
    "\ud800",
    "\x1b[2J",
    "x" * 10**5,
]
VALUES += [[], {}, [[]], [HUGE] * 3, {"x": []}]


def _mutated(kit: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """A copy with one or two entries gone or replaced, at any depth."""
    found = copy.deepcopy(kit)
    for _ in range(rng.randint(1, 2)):
        where: Any = found
        while True:
            key = rng.choice(list(where) if isinstance(where, dict) else range(len(where)))
            if not where[key] or not isinstance(where[key], dict | list) or rng.random() < 0.3:
                break
            where = where[key]
        if rng.random() < 0.3:
            del where[key]
        else:
            where[key] = rng.choice(VALUES)
        if not found:
            break
    return found


def test_no_damage_is_more_than_a_paragraph_on_the_device(plan: dict[str, Any], tmp_path: Path) -> None:
    rng, refused = random.Random(0), 0
    for _ in range(150):
        try:
            read_kit(_written(tmp_path, _mutated(plan, rng)))
        except FileError:
            refused += 1
    assert refused > 50


def test_no_damage_is_more_than_a_paragraph_where_results_are_read(
    emitted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each mutant is given the id of what it became, as someone would who knows how."""
    monkeypatch.setenv("COMPRESS_HOME", str(emitted / "home"))
    kit = json.loads((emitted / "kit" / "kit.json").read_text())
    kit = {name: kit[name] for name in ("target", "teacher", "coverage", "schedule", "threads", "batches")}
    rng, refusals = random.Random(1), []
    for _ in range(40):
        mutant = _mutated(kit, rng)
        id = mutant["id"] = kit_id(mutant)
        (tmp_path / "kit.json").write_text(json.dumps(mutant))
        try:
            _kit_of(tmp_path / "results.json", _results(id), tmp_path)
        except FileError as error:
            refusals.append(str(error))
    assert len(refusals) > 30
    assert all("Write a new kit" in refusal for refusal in refusals)


def _results(id: str) -> Any:
    return SimpleNamespace(body=SimpleNamespace(kit=id))
