"""Plain data to values of a type, by its annotations; problems are collected by place. Used by `from_plain`."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from compress.core.errors import UsageError
from compress.core.plain_values import Bounds, plain_problems, scalar_problem, shown

_TYPE_NAMES: dict[Any, str] = {
    int: "an integer",
    float: "a number",
    str: "a text",
    bool: "true or false",
    dict: "an object",
}
_WRONG: Any = object()
"""Stands for a value that could not be read."""


class PlainReader:
    """Collects problems by place, the first of each place."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self.problems: dict[str, str] = {}

    def _wrong(self, where: str, text: str) -> Any:
        self.problems.setdefault(where, text if text.startswith(":") else f" {text}")
        return _WRONG

    def read(self, hint: Any, value: Any, where: str) -> Any:
        """`value` as the type `hint`; `_WRONG`, with the problems noted, where it is none."""
        origin, args = typing.get_origin(hint), typing.get_args(hint)
        if dataclasses.is_dataclass(hint):
            return self._dataclass(typing.cast(type, hint), value, where)
        if origin is Literal:
            good = any(type(value) is type(each) and value == each for each in args)
            return value if good else self._wrong(where, f"must be one of {_listed(args)} but is {shown(value)}")
        if origin in (types.UnionType, typing.Union):
            return self._union(args, value, where)
        if origin in (tuple, list, frozenset):
            return self._items(origin, args, value, where)
        if origin in (dict, Mapping):
            return self._mapping(args[1], value, where)
        if hint is Any:
            return self._any(value, where)
        return self._scalar(hint, value, where)

    def _scalar(self, hint: Any, value: Any, where: str) -> Any:
        if type(value) is not hint and not (hint is float and type(value) is int):
            return self._wrong(where, f"must be {_TYPE_NAMES.get(hint, hint)} but is {shown(value)}")
        problem = scalar_problem(value, self._bounds)
        if problem is None:
            return float(value) if hint is float else value
        # Numbers that are not finite stay, so that `problems()` still checks the rest of the dataclass.
        return self._wrong(where, problem) and (value if isinstance(value, float) else _WRONG)

    def _any(self, value: Any, where: str) -> Any:
        found = list(plain_problems(value, self._bounds, where))
        for place, text in found:
            self._wrong(place, text)
        return _WRONG if found else value

    def _union(self, args: tuple[Any, ...], value: Any, where: str) -> Any:
        others = [each for each in args if each is not types.NoneType]
        if value is None and len(others) < len(args):
            return None
        if len(others) == 1:
            return self.read(others[0], value, where)
        for each in others:
            attempt = PlainReader(self._bounds)
            found = attempt.read(each, value, where)
            if not attempt.problems:
                return found
        return self._wrong(where, f"must be {' or '.join(map(_name, others))} but is {shown(value)}")

    def _items(self, kind: Any, args: tuple[Any, ...], value: Any, where: str) -> Any:
        if not isinstance(value, list | tuple):
            return self._wrong(where, f"must be a list but is {shown(value)}")
        fixed = kind is tuple and args[-1] is not Ellipsis
        if fixed and len(value) != len(args):
            return self._wrong(where, f"must hold {len(args)} values but holds {len(value)}")
        hints = args if fixed else args[:1] * len(value)
        found = [
            self.read(hint, each, f"{where}[{i}]") for i, (hint, each) in enumerate(zip(hints, value, strict=True))
        ]
        if any(each is _WRONG for each in found):
            return _WRONG
        if kind is frozenset and len(set(found)) < len(found):
            return self._wrong(where, "holds a value twice")
        return kind(found)

    def _mapping(self, hint: Any, value: Any, where: str) -> Any:
        if not isinstance(value, dict):
            return self._wrong(where, f"must be an object but is {shown(value)}")
        wrong = [key for key in value if not isinstance(key, str) or scalar_problem(key, self._bounds)]
        for key in wrong:
            self._wrong(where, f"has the key {shown(key)}, which is no printable text")
        found = {key: self.read(hint, each, f"{where}.{key}") for key, each in value.items() if key not in wrong}
        return _WRONG if wrong or any(each is _WRONG for each in found.values()) else found

    def _dataclass(self, kind: type, data: Any, where: str) -> Any:
        if not isinstance(data, dict):
            return self._wrong(where, f"must be an object but is {shown(data)}")
        known, complete = fields_of(kind), True
        for key in sorted((key for key in data if key not in known), key=shown):
            self._wrong(f"{where}.{key if _is_name(key) else shown(key)}", "is not a known field")
        for name, (_, f) in known.items():
            if name not in data and f.default is f.default_factory is dataclasses.MISSING:
                complete = False
                self._wrong(f"{where}.{name}", "is missing")
        values = {
            name: self.read(hint, data[name], f"{where}.{name}") for name, (hint, _) in known.items() if name in data
        }
        read = {name: value for name, value in values.items() if value is not _WRONG}
        if complete and len(read) == len(values):
            return self._built(kind, read, where)
        with contextlib.suppress(AttributeError):  # of a field that could not be read, and is noted
            self._note_problems(_incomplete(kind, read), where)
        return _WRONG

    def _built(self, kind: type, values: dict[str, Any], where: str) -> Any:
        try:
            built = kind(**values)
        except (UsageError, ValueError, ArithmeticError) as error:
            return self._wrong(where, f": {str(error).rstrip('.')}")
        self._note_problems(built, where)
        return built

    def _note_problems(self, value: Any, where: str) -> None:
        for text in getattr(value, "problems", tuple)():
            place, _, rest = text.partition(" ")
            self._wrong(f"{where}.{place}", rest)


def _incomplete(kind: type, values: dict[str, Any]) -> Any:
    """A `kind` with some of its fields only, so that its `problems()` can check those."""
    value: Any = object.__new__(kind)
    for name, each in values.items():
        object.__setattr__(value, name, each)
    return value


@functools.cache
def fields_of(kind: Any) -> dict[str, tuple[Any, dataclasses.Field[Any]]]:
    """The fields that make a dataclass, by name, each with its type."""
    hints = typing.get_type_hints(kind)
    return {f.name: (hints[f.name], f) for f in dataclasses.fields(kind) if f.init}


def _listed(names: Iterable[Any]) -> str:
    return ", ".join(map(str, names))


def _name(hint: Any) -> str:
    return _TYPE_NAMES.get(hint) or _TYPE_NAMES.get(typing.get_origin(hint)) or str(getattr(hint, "__name__", hint))


def _is_name(key: Any) -> bool:
    return isinstance(key, str) and key.isidentifier() and len(key) <= 80
