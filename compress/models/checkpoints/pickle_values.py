"""What pickles hold, as plain data: stand-ins take the place of everything that a pickle would have called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

_LONGEST_TEXT = 1 << 16
"""Characters of a text that is kept: longer ones describe no weights."""

_DICTIONARIES = ("collections.OrderedDict", "builtins.dict")


@dataclass(frozen=True, slots=True)
class Named:
    """A class or function, by its name with its module."""

    name: str


@dataclass(slots=True, eq=False, repr=False)
class Made:
    """Stands for what calling `maker` would have made.

    Attributes:
        arguments: What it would have been called with; a tuple where the pickle is sound.
        items: What was put into it under names, as into a dictionary; None for nothing.
    """

    maker: Any
    arguments: Any
    items: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        """Of the maker; empty where it has none."""
        return self.maker.name if isinstance(self.maker, Named) else ""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Persistent:
    """Stands for what lies outside the pickle, by its identity there."""

    identity: Any


@dataclass
class Pickled:
    """What a pickle holds.

    Attributes:
        data: Its value. A dictionary holds what lies under texts, and nothing else.
        names: Of all classes and functions in it.
        persistent: All that it says to lie elsewhere.
    """

    data: Any = None
    names: set[str] = field(default_factory=set)
    persistent: list[Persistent] = field(default_factory=list)


def made(maker: Any, arguments: Any) -> Any:
    """An empty dictionary where a call makes one, a stand-in otherwise."""
    return {} if isinstance(maker, Named) and maker.name in _DICTIONARIES and not arguments else Made(maker, arguments)


def mapping_of(value: Any) -> dict[str, Any]:
    """What lies under names in a dictionary, or in a stand-in for one; empty for everything else."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, Made):
        return {}
    if value.name in _DICTIONARIES and value.items is None:  # as Python 2 did: made from a list of pairs
        value.items = _paired(value.arguments)
    return value.items or {}


def _paired(arguments: Any) -> dict[str, Any]:
    pairs = arguments[0] if isinstance(arguments, tuple) and arguments else []
    return by_name([each for pair in pairs if isinstance(pair, list | tuple) and len(pair) == 2 for each in pair])


def by_name(flat: Sequence[Any]) -> dict[str, Any]:
    """Keys and values in turn as a dictionary. What lies under other keys than texts is left out.

    Integers that a file chooses can share one hash, and nested tuples can take without end to be hashed.
    """
    return {key: flat[i + 1] for i, key in enumerate(flat) if i % 2 == 0 and isinstance(key, str)}


def extend(target: Any, values: Sequence[Any]) -> None:
    """Append to a list; what is appended to a stand-in is left out."""
    if isinstance(target, list):
        target.extend(values)
    elif not isinstance(target, Made):
        raise TypeError("no list")


def update(target: Any, flat: Sequence[Any]) -> None:
    """Put keys and values in turn into a dictionary or a stand-in."""
    if isinstance(target, Made):
        target.items = {} if target.items is None else target.items
        target.items.update(by_name(flat))
    elif isinstance(target, dict):
        target.update(by_name(flat))
    else:
        raise TypeError("no dictionary")


def short(value: Any) -> Any:
    """The value itself, or a stand-in for a text that is too long to describe weights."""
    long = isinstance(value, str | bytes | bytearray) and len(value) > _LONGEST_TEXT
    return Made(None, ()) if long else value
