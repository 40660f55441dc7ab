"""A store that works for the store of another host takes what it lacks from there, and gives back what it makes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from compress.core.origin import set_origin
from compress.core.store import Store


class _Elsewhere:
    """The other store, which is another process's and has no origin itself."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.asked: list[str] = []

    def fetch(self, kind: str, key: str, suffix: str) -> bytes | None:
        self.asked.append(key)
        with self._there():
            return self._store.find(kind, key, read=Path.read_bytes, suffix=suffix)

    def offer(self, kind: str, key: str, suffix: str, content: bytes) -> None:
        with self._there():
            _get(self._store, key, content)

    @contextmanager
    def _there(self) -> Iterator[None]:
        set_origin(None)
        yield
        set_origin(self)


def _get(store: Store, key: str, content: bytes) -> bytes:
    def make(path: Path) -> None:
        path.write_bytes(content)

    return store.get("pools", key, read=Path.read_bytes, make=make, suffix=".bin")


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[Store, Store, _Elsewhere]]:
    theirs = Store(tmp_path / "theirs")
    elsewhere = _Elsewhere(theirs)
    yield Store(tmp_path / "here"), theirs, elsewhere
    set_origin(None)


def test_what_is_there_is_taken_and_what_is_made_is_given(stores: tuple[Store, Store, _Elsewhere]) -> None:
    here, theirs, elsewhere = stores
    _get(theirs, "a", b"theirs")
    set_origin(elsewhere)
    assert _get(here, "a", b"mine") == b"theirs"
    assert _get(here, "b", b"mine") == b"mine"
    set_origin(None)
    assert theirs.find("pools", "b", read=Path.read_bytes, suffix=".bin") == b"mine"
    assert here.find("pools", "a", read=Path.read_bytes, suffix=".bin") == b"theirs"


def test_it_is_asked_once_for_what_it_has_and_found_without_making(stores: tuple[Store, Store, _Elsewhere]) -> None:
    here, theirs, elsewhere = stores
    _get(theirs, "a", b"theirs")
    set_origin(elsewhere)
    for _ in range(2):
        assert here.find("pools", "a", read=Path.read_bytes, suffix=".bin") == b"theirs"
    assert here.find("pools", "none", read=Path.read_bytes, suffix=".bin") is None
    assert elsewhere.asked == ["a", "none"]


def test_what_comes_damaged_is_made(stores: tuple[Store, Store, _Elsewhere]) -> None:
    here, theirs, elsewhere = stores
    _get(theirs, "a", b"damaged")
    set_origin(elsewhere)

    def read(path: Path) -> bytes | None:
        return None if path.read_bytes() == b"damaged" else path.read_bytes()

    assert here.get("pools", "a", read=read, make=lambda path: _write(path, b"whole"), suffix=".bin") == b"whole"


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
