"""The store of another host, which the stores of this process take from and give to: see `Store`.

A worker on a host that shares no folder with its search has a store of its own. Set once, by whatever runs jobs there.
"""

from __future__ import annotations

from typing import Protocol


class Origin(Protocol):
    """Entries of a store elsewhere, by kind, key and suffix."""

    def fetch(self, kind: str, key: str, suffix: str) -> bytes | None:
        """The file of an entry; None where there is none."""

    def offer(self, kind: str, key: str, suffix: str, content: bytes) -> None:
        """Give it an entry that was made here."""


class _NoOrigin:
    """A store that stands alone."""

    def fetch(self, kind: str, key: str, suffix: str) -> bytes | None:
        return None

    def offer(self, kind: str, key: str, suffix: str, content: bytes) -> None: ...


_current: list[Origin] = [_NoOrigin()]


def set_origin(origin: Origin | None) -> None:
    """From now on every store of this process takes what it lacks from `origin`, and gives it what it makes."""
    _current[0] = _NoOrigin() if origin is None else origin


def current_origin() -> Origin:
    """What `set_origin` has set; one that has nothing and takes nothing by default."""
    return _current[0]


def has_origin() -> bool:
    """Whether one is set."""
    return not isinstance(_current[0], _NoOrigin)
