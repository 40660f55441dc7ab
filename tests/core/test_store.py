"""What is kept is made once, whole, by content, and removed only where nobody uses it. The processes are real."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from compress.core import CompressError, UsageError
from compress.core.store import KINDS, Store, cache_bytes, fingerprint

_MAKER = """
import sys, time
from pathlib import Path
from compress.core.store import Store

log, end = Path(sys.argv[2]), Path(sys.argv[3])

def make(path):
    with log.open("a") as file:
        file.write("made\\n")
    path.write_text("half")
    while not end.exists():
        time.sleep(0.01)
    path.write_text("whole")

print(Store(Path(sys.argv[1])).get("pools", "key", read=Path.read_text, make=make, suffix=".txt"))
"""
_USER = """
import sys
from pathlib import Path
from compress.core.store import Store

with Store(Path(sys.argv[1])).using("pools", sys.argv[2]):
    print("using", flush=True)
    sys.stdin.readline()
"""


def _start(script: str, *words: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, words)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _put(store: Store, key: str, text: str, kind: str = "pools") -> str:
    return store.get(kind, key, read=Path.read_text, make=lambda path: _write(path, text), suffix=".txt")


def _write(path: Path, text: str) -> None:
    path.write_text(text)


def _keys(store: Store) -> list[str]:
    return [entry.key for entry in store.entries()]


@dataclass(frozen=True)
class _Sizes:
    template: int
    factors: tuple[float, ...]


def test_fingerprint_is_of_content() -> None:
    assert fingerprint({"a": 1, "b": [2.5, None]}) == fingerprint({"b": (2.5, None), "a": 1})
    assert fingerprint(_Sizes(1, (2.0,))) == fingerprint({"template": 1, "factors": [2.0]})
    assert len({fingerprint(value) for value in ("1", 1, [1], {"1": 1}, None, True, 1.5)}) == 7
    assert len(fingerprint("x")) == 32


@pytest.mark.parametrize("value", [Path("train"), {"data": [Path("train")]}, {1: 2}, {3}, b"bytes"])
def test_paths_and_what_is_not_plain_have_no_fingerprint(value: object) -> None:
    with pytest.raises(TypeError, match="fingerprint"):
        fingerprint(value)


def test_not_a_number_has_no_fingerprint() -> None:
    with pytest.raises(ValueError, match="JSON"):
        fingerprint(float("nan"))


def test_made_once_then_read(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert _put(store, "a", "first") == "first"
    assert _put(store, "a", "second") == "first"
    assert store.find("pools", "a", read=Path.read_text, suffix=".txt") == "first"
    assert store.find("pools", "b", read=Path.read_text) is None


def test_damaged_is_made_anew_and_a_failed_make_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    _put(store, "a", "damaged")

    def read(path: Path) -> str | None:
        return text if (text := path.read_text()) != "damaged" else None

    with pytest.raises(ZeroDivisionError):
        store.get("pools", "b", read=read, make=lambda path: path.write_text(str(1 / 0)) and None)
    assert _keys(store) == ["a"]
    assert store.get("pools", "a", read=read, make=lambda path: _write(path, "well"), suffix=".txt") == "well"
    with pytest.raises(CompressError, match="cannot be read"):
        store.get("pools", "c", read=read, make=lambda path: _write(path, "damaged"))


@pytest.mark.parametrize(("kind", "key"), [("elsewhere", "a"), ("pools", ""), ("pools", "../a"), ("pools", ".a")])
def test_keys_stay_within_their_kind(kind: str, key: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no entry"):
        Store(tmp_path).path(kind, key)


def test_two_processes_make_an_entry_once_and_never_see_half_of_it(tmp_path: Path) -> None:
    log, end = tmp_path / "log", tmp_path / "end"
    first, second = (_start(_MAKER, tmp_path / "home", log, end) for _ in range(2))
    while not log.exists():
        assert first.poll() is None or second.poll() is None
    entry = Store(tmp_path / "home").path("pools", "key", ".txt")
    assert not entry.exists()
    assert first.poll() is second.poll() is None
    end.touch()
    assert [process.communicate()[0] for process in (first, second)] == ["whole\n", "whole\n"]
    assert log.read_text() == "made\n"
    assert [path.name for path in entry.parent.iterdir() if path.is_file()] == ["key.txt"]


def test_what_a_killed_process_left_is_shown_and_made_anew(tmp_path: Path) -> None:
    log, end = tmp_path / "log", tmp_path / "end"
    killed = _start(_MAKER, tmp_path / "home", log, end)
    while not log.exists():
        assert killed.poll() is None
    store = Store(tmp_path / "home")
    assert [entry.in_use for entry in store.entries()] == [True]
    assert store.prune() == []
    killed.kill()
    killed.communicate()
    (left,) = store.entries()
    assert not left.in_use
    assert _put(store, "key", "whole") == "whole"
    assert [entry.path.name for entry in store.entries()] == ["key.txt"]


def test_in_use_is_never_removed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for key in ("a", "b"):
        _put(store, key, "text")
    user = _start(_USER, tmp_path, "a")
    assert user.stdout is not None
    assert user.stdout.readline() == "using\n"
    assert {entry.key: entry.in_use for entry in store.entries()} == {"a": True, "b": False}
    assert [entry.key for entry in store.prune()] == ["b"]
    user.communicate("\n")
    assert [entry.key for entry in store.prune()] == ["a"]
    assert not [path for path in tmp_path.rglob("*") if path.is_file()], "locks go with their entries"


def test_beyond_the_bound_the_least_recently_used_go(tmp_path: Path) -> None:
    store = Store(tmp_path, max_bytes=25)
    for age, key in enumerate(("a", "b")):
        _put(store, key, "0123456789")
        os.utime(store.path("pools", key, ".txt"), (1000 + age, 1000 + age))
    _put(store, "a", "")
    _put(store, "c", "0123456789")
    assert _keys(store) == ["a", "c"]
    _put(store, "d", "0" * 100, kind="students")
    assert _keys(store) == ["d"], "what was just made stays, however large"


def test_what_cannot_be_made_anew_is_removed_only_by_name(tmp_path: Path) -> None:
    store = Store(tmp_path, max_bytes=0)
    _put(store, "mine", "imported", kind="weights")
    _put(store, "device", "measured", kind="profiles")
    _put(store, "a", "pairs")
    store.prune()
    assert sorted(_keys(store)) == ["device", "mine"]
    assert [entry.key for entry in store.prune(kinds=("profiles",))] == ["device"]
    assert set(KINDS) > {"weights", "profiles"}


@pytest.mark.parametrize(("text", "wanted"), [(None, 20e9), ("", 20e9), ("0", 0.0), ("1.5", 1.5e9)])
def test_bound_is_a_setting(text: str | None, wanted: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMPRESS_CACHE_GB", raising=False)
    if text is not None:
        monkeypatch.setenv("COMPRESS_CACHE_GB", text)
    assert cache_bytes() == wanted


@pytest.mark.parametrize("text", ["much", "-1", "nan"])
def test_impossible_bounds_are_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPRESS_CACHE_GB", text)
    with pytest.raises(UsageError, match="COMPRESS_CACHE_GB"):
        cache_bytes()
