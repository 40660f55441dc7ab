"""Bounds on untrusted plain data: how deep, how many, how long, and which texts and numbers are refused."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# Control characters but tab and newline, lone surrogates, line separators and marks that reorder text: what a
# terminal would obey, or could not print.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_SHOWN = 80


@dataclass(frozen=True)
class Bounds:
    """What untrusted data may hold at most.

    Attributes:
        depth: Lists and objects within each other.
        items: Values of all lists and objects together.
        text: Characters of one text.
        bits: Of an integer; 63 admits every count, and keeps numbers of 400 digits out of arithmetic and messages.
        non_finite: Whether NaN and infinities are numbers.
    """

    depth: int = 32
    items: int = 1_000_000
    text: int = 20_000
    bits: int = 63
    non_finite: bool = False


def shown(value: Any) -> str:
    """A value in a message: short, and without what a terminal would obey."""
    if isinstance(value, str):
        return repr(value if len(value) <= _SHOWN else value[:_SHOWN] + "…")
    if type(value) is int and value.bit_length() > 128:  # Python refuses to print integers of thousands of digits
        return f"an integer of {value.bit_length()} bits"
    if value is None or isinstance(value, bool | int | float):
        return str(value)
    if isinstance(value, Mapping):
        return f"an object of {len(value)}"
    return f"a list of {len(value)}" if isinstance(value, list | tuple) else f"of type {type(value).__name__}"


def scalar_problem(value: Any, bounds: Bounds) -> str | None:
    """What is wrong with a text or a number of the right type; None where nothing is."""
    if isinstance(value, str):
        if len(value) > bounds.text:
            return f"must have at most {bounds.text} characters but has {len(value)}"
        return "must be printable text but is " + shown(value) if _UNPRINTABLE.search(value) else None
    if type(value) is int and value.bit_length() > bounds.bits:
        return f"must be a smaller integer but is {shown(value)}"
    if isinstance(value, float) and not (bounds.non_finite or math.isfinite(value)):
        return f"must be a finite number but is {value}"
    return None


def excess(data: Any, bounds: Bounds, where: str) -> str | None:
    """The problem of data that is nested too deep or holds too much; None where it can safely be read."""
    # A stack of its own: data that refers to itself, or is nested without end, must not exhaust Python's.
    left, items = [(data, 0)], 0
    while left:
        value, depth = left.pop()
        if not isinstance(value, dict | list | tuple):
            continue
        items += len(value)
        if depth >= bounds.depth:
            return f"{where} is nested deeper than {bounds.depth} levels"
        if items > bounds.items:
            return f"{where} holds more than {bounds.items} values"
        inner = value.values() if isinstance(value, dict) else value
        left += [(each, depth + 1) for each in inner if isinstance(each, dict | list | tuple)]
    return None


def plain_problems(data: Any, bounds: Bounds, where: str) -> Iterator[tuple[str, str]]:
    """Each place in `data` that is not of JSON types within `bounds`, and what is wrong there. Call `excess` first."""
    if isinstance(data, dict):
        for key, each in data.items():
            if not isinstance(key, str) or scalar_problem(key, bounds):
                yield where, f"has the key {shown(key)}, which is no printable text"
            else:
                yield from plain_problems(each, bounds, f"{where}.{key}")
    elif isinstance(data, list | tuple):
        for i, each in enumerate(data):
            yield from plain_problems(each, bounds, f"{where}[{i}]")
    elif data is not None and not isinstance(data, str | bool | int | float):
        yield where, f"must be plain data but is {shown(data)}"
    elif (problem := scalar_problem(data, bounds)) is not None:
        yield where, problem


def to_plain(value: Any, *, defaults: bool = False) -> Any:
    """Dataclasses as objects, tuples as lists, frozen sets as sorted lists.

    Args:
        defaults: Whether to write fields that hold their default; without them a new field changes no old id.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            f.name: to_plain(getattr(value, f.name), defaults=defaults)
            for f in dataclasses.fields(value)
            if defaults or not _is_default(value, f)
        }
    if isinstance(value, Mapping):
        return {key: to_plain(each, defaults=defaults) for key, each in value.items()}
    if isinstance(value, frozenset):
        return sorted(to_plain(each, defaults=defaults) for each in value)
    return [to_plain(each, defaults=defaults) for each in value] if isinstance(value, tuple | list) else value


def _is_default(value: Any, f: dataclasses.Field[Any]) -> bool:
    default = f.default_factory() if f.default_factory is not dataclasses.MISSING else f.default
    return default is not dataclasses.MISSING and getattr(value, f.name) == default
