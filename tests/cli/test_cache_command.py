"""`compress cache` shows what is kept and frees it, and never what is in use."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from compress.cli import main
from compress.core.store import Store


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Three entries that can be made anew, each used a minute after the one before, and an imported one."""
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path))
    monkeypatch.setenv("COMPRESS_CACHE_GB", "2.5")
    store = Store()
    for age, (kind, key, size) in enumerate(
        [("pools", "p1", 3_000_000), ("students", "s1", 2_000_000), ("scores", "c1", 500), ("weights", "mine", 4_000)]
    ):
        store.get(kind, key, read=Path.stat, make=lambda path, size=size: path.write_bytes(bytes(size)) and None)
        os.utime(store.path(kind, key), (60 * age, 60 * age))
    return store


def _run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as stop:
        main(["cache", *words])
    out, err = capsys.readouterr()
    assert isinstance(stop.value.code, int)
    return stop.value.code, out + err


def _json(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    code, out = _run(capsys, *words, "--json")
    assert code == 0
    return json.loads(out)


def test_kinds_and_the_bound_are_shown(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = _run(capsys)
    assert code == 0
    assert "pools          1 entry, 3 MB, last used 1970-01-01" in out
    assert "4 entries, 5 MB" in out
    assert "5 MB of them can be made anew, of at most 2.5 GB" in out
    found = _json(capsys)
    assert found["bound_bytes"] == 2.5e9
    assert {row["kind"]: row["bytes"] for row in found["kinds"]} == {
        "pools": 3_000_000, "students": 2_000_000, "scores": 500, "weights": 4_000,
    }  # fmt: skip
    assert [entry["key"] for entry in found["entries"]] == ["p1", "s1", "c1", "mine"]
    assert "removed" not in found
    assert "  s1  2 MB" in _run(capsys, "--kind", "students")[1]


def test_prune_removes_what_can_be_made_anew_and_is_not_in_use(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    with store.using("students", "s1"):
        code, out = _run(capsys, "--prune")
    assert code == 0
    assert "Removed 2 entries, 3 MB. 1 in use is left." in out
    assert [entry.key for entry in store.entries()] == ["s1", "mine"]
    assert [entry["key"] for entry in _json(capsys, "--prune", "--kind", "weights")["removed"]] == ["mine"]


def test_prune_keeps_what_was_used_last(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    found = _json(capsys, "--prune", "--keep", "0.0021")
    assert [entry["key"] for entry in found["removed"]] == ["p1"]
    assert [entry.key for entry in store.entries()] == ["s1", "c1", "mine"]


@pytest.mark.parametrize(
    ("words", "said"),
    [(("--keep", "1"), "--prune"), (("--kind", "attic"), "attic"), (("--prune", "--keep", "-1"), "-1")],
)
def test_impossible_requests_are_refused(
    words: tuple[str, ...], said: str, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = _run(capsys, *words)
    assert code == 2
    assert said in out
    assert len(store.entries()) == 4


def test_an_empty_home_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COMPRESS_HOME", str(tmp_path / "absent"))
    assert _run(capsys) == (
        0,
        f"{tmp_path / 'absent'}: 0 entries, 0 bytes.\n0 bytes of them can be made anew, of at most 20 GB.\n",
    )
    assert not (tmp_path / "absent").exists()


@pytest.mark.parametrize("command", ["evaluate", "search", "thresholds", "train-teacher", "export", "verify"])
def test_help_lists_the_readers_of_data(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    out = " ".join(capsys.readouterr().out.split())
    assert "folder:PATH sequences in the layout of GOT-10k, LaSOT, OTB or VOT" in out
    assert "generated drawn from seeds, with exact boxes" in out
