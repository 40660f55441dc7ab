"""Figures from plain JSON types, read with suspicion."""

from __future__ import annotations

import math
import types
import typing
from dataclasses import MISSING, fields
from typing import Any, Literal, TypeVar

from compress.core import Accuracy, ExecutionPath, FileError, Latency, TrackerSpec, UsageError

_Figures = TypeVar("_Figures", Accuracy, Latency)


def figures_from(kind: type[_Figures], data: Any) -> _Figures | None:
    """An `Accuracy` or a `Latency` from its dictionary; None stays None. Fields with a default may be missing.

    Raises:
        FileError: naming the field that is missing, unknown, mistyped or out of range.
    """
    if data is None:
        return None
    hints = typing.get_type_hints(kind)
    needed = {f.name for f in fields(kind) if f.default is MISSING}
    check(isinstance(data, dict) and needed <= set(data) <= set(hints), f"{kind.__name__.lower()} fields", data)
    values = {}
    for name in sorted(data):
        where = f"{kind.__name__.lower()}.{name}"
        values[name] = value = _converted(hints[name], data[name], where)
        if isinstance(value, float | int):
            positive = name in ("mean_ms", "worst_ms")
            check(math.isfinite(value) and (value > 0 if positive else value >= 0), where, value)
            check(kind is Latency or hints[name] is int or value <= 1, where, value)
    return kind(**values)


def paths_from(spec: TrackerSpec, data: Any) -> dict[ExecutionPath, int] | None:
    """Frames counted by the way they took through `spec`, from `path_rows`; None stays None.

    Raises:
        FileError: a row that is none, a way that `spec` does not have, or one that came twice.
    """
    if data is None:
        return None
    check(isinstance(data, list | tuple), "paths", data)
    found: dict[ExecutionPath, int] = {}
    for row in data:
        path, frames = _path(spec, row)
        check(path not in found, "paths", row)
        found[path] = frames
    return found


def check(good: bool, name: str, value: Any) -> None:
    """Raise FileError for a field unless `good`."""
    if not good:
        raise FileError(f"A record's {name} cannot be {str(value)[:80]!r}.")


def _converted(hint: Any, value: Any, where: str) -> Any:
    if isinstance(hint, types.UnionType):
        return None if value is None else _converted(typing.get_args(hint)[0], value, where)
    if typing.get_origin(hint) is Literal:
        check(value in typing.get_args(hint), where, value)
        return value
    value = float(value) if hint is float and type(value) is int else value
    check(type(value) is hint, where, value)
    return value


def _path(spec: TrackerSpec, row: Any) -> tuple[ExecutionPath, int]:
    check(isinstance(row, dict) and set(row) == {"skipped", "exit", "frames"}, "paths", row)
    skipped, exit, frames = row["skipped"], row["exit"], row["frames"]
    check(isinstance(skipped, list) and all(type(i) is int for i in skipped), "paths", row)
    check(exit is None or type(exit) is int, "paths", row)
    check(type(frames) is int and frames > 0, "paths", row)
    path = ExecutionPath(frozenset(skipped), exit)
    try:
        path.check(spec)
    except UsageError as error:
        raise FileError(f"A record's ways cannot hold {str(row)[:80]}: {error}") from error
    return path, frames
