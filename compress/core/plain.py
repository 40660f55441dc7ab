"""Frozen dataclasses to plain JSON types and back, with every mistake named by its place."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any, Literal, TypeVar

from compress.core.errors import UsageError

_T = TypeVar("_T")


def to_plain(value: Any) -> Any:
    """Dataclasses as objects without the fields that hold their default; tuples as lists."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value) if not _is_default(value, f)
        }
    return [to_plain(v) for v in value] if isinstance(value, tuple) else value


def _is_default(value: Any, f: dataclasses.Field[Any]) -> bool:
    default = f.default_factory() if f.default_factory is not dataclasses.MISSING else f.default
    return default is not dataclasses.MISSING and getattr(value, f.name) == default


def from_plain(cls: type[_T], data: Any, where: str) -> _T:
    """Inverse of `to_plain`; `where` names the value in messages.

    Raises:
        UsageError: naming every unknown, missing or mistyped field.
    """
    if not isinstance(data, dict):
        raise UsageError(f"{where} must be an object but is {type(data).__name__}.")
    hints = typing.get_type_hints(cls)
    required = {f.name for f in dataclasses.fields(cls) if f.default is f.default_factory is dataclasses.MISSING}  # type: ignore[arg-type]
    problems = [f"{where}.{k} is not a known field" for k in sorted(set(data) - set(hints), key=str)]
    problems += [f"{where}.{k} is missing" for k in sorted(required - set(data))]
    values = {}
    for name in sorted(set(data) & set(hints)):
        try:
            values[name] = _convert(hints[name], data[name], f"{where}.{name}")
        except UsageError as error:
            problems.append(str(error).rstrip("."))
    if problems:
        raise UsageError("; ".join(problems) + ".")
    return cls(**values)


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        if value in args:
            return value
        raise UsageError(f"{where} must be one of {', '.join(map(str, args))} but is {value!r}.")
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise UsageError(f"{where} must be a list but is {type(value).__name__}.")
        return tuple(_convert(args[0], v, f"{where}[{i}]") for i, v in enumerate(value))
    if origin is types.UnionType:
        return None if value is None else _convert(args[0], value, where)
    if dataclasses.is_dataclass(hint):
        return from_plain(hint, value, where)  # type: ignore[arg-type]
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise UsageError(f"{where} must be {hint.__name__} but is {value!r}.")
    return value
