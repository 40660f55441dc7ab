"""The one reader of untrusted plain data: JSON types to frozen dataclasses, every mistake named by its place."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator
from typing import Any, Literal, TypeVar

from compress.core.errors import CompressError, UsageError
from compress.core.plain_reader import PlainReader, fields_of
from compress.core.plain_values import Bounds, excess, to_plain

__all__ = ["Bounds", "from_plain", "problems_of", "to_plain"]

_T = TypeVar("_T")
_MAX_SHOWN = 20
_BOUNDS = Bounds()


def from_plain(
    kind: type[_T],
    data: Any,
    where: str,
    *,
    error: type[CompressError] = UsageError,
    bounds: Bounds = _BOUNDS,
    unknown_fields: Literal["refused", "left out"] = "refused",
) -> _T:
    """Inverse of `to_plain`, the input not trusted.

    Reads dataclasses, `bool`, `int`, `float` (an integer will do), `str`, `Literal`, unions, `tuple`, `list`,
    `frozenset`, `dict[str, …]`, `Mapping[str, …]` and `Any` (plain data). A dataclass may have a method `problems()`
    that yields what is wrong with its values, each text beginning with the field; what its `__post_init__` refuses by
    `UsageError` is a problem too.

    Args:
        kind: A dataclass, or one of the types above.
        where: Names the value in messages.
        error: What is raised.
        unknown_fields: What becomes of fields that the outermost dataclass does not have.

    Raises:
        CompressError: an `error` that names every unknown, missing, mistyped and impossible field.
    """
    problem = excess(data, bounds, where)
    if problem is not None:
        raise error(problem + ".")
    reader = PlainReader(bounds)
    if unknown_fields == "left out" and isinstance(data, dict):
        data = {key: value for key, value in data.items() if key in fields_of(typing.cast(Any, kind))}
    value = reader.read(kind, data, where)
    found = [f"{place}{text}" for place, text in reader.problems.items()]
    if found:
        more = [f"and {len(found) - _MAX_SHOWN} more"] if len(found) > _MAX_SHOWN else []
        raise error("; ".join(found[:_MAX_SHOWN] + more) + ".")
    return typing.cast(_T, value)


def problems_of(value: Any, where: str = "") -> Iterator[str]:
    """All `problems()` of a dataclass and of every dataclass within it, each with its place."""
    if isinstance(value, tuple | list):
        for i, each in enumerate(value):
            yield from problems_of(each, f"{where}[{i}]")
    if not dataclasses.is_dataclass(value):
        return
    dot = "." if where else ""
    yield from (f"{where}{dot}{text}" for text in getattr(value, "problems", tuple)())
    for f in dataclasses.fields(value):
        yield from problems_of(getattr(value, f.name), f"{where}{dot}{f.name}")
