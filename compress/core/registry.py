"""A registry of named things; the registering function's own name, with `_` as `-`, is the key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from compress.core.errors import unknown_name

_T = TypeVar("_T")


class Registry(Generic[_T]):
    """Maps names to functions, and says which names are close to one it does not know."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._entries: dict[str, Callable[[], _T]] = {}

    def register(self, function: Callable[[], _T]) -> Callable[[], _T]:
        """Decorator: enter `function` under its own name."""
        self._entries[function.__name__.replace("_", "-")] = function
        return function

    def names(self) -> list[str]:
        return sorted(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __getitem__(self, name: str) -> Callable[[], _T]:
        """Raises `UsageError` with close matches where `name` is unknown."""
        if name not in self._entries:
            raise unknown_name(self._kind, name, self._entries)
        return self._entries[name]
