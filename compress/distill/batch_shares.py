"""Parts of batches, whatever these are made of: of each process that trains, and of each pass through the network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast

from torch import Tensor

from compress.core import UsageError

_T = TypeVar("_T")


def rows_of(batch: Any) -> int:
    """How many rows a batch has: the length of the first tensor in it; 0 where there is none."""
    found = next((each for each in _tensors(batch) if each.ndim), None)
    return 0 if found is None else len(found)


def share_of(batch: _T, index: int, count: int) -> _T:
    """One of `count` equal parts of a batch, which is made of tensors, mappings, tuples and a dataclass around them.

    Raises:
        UsageError: the rows do not divide into equal parts.
    """
    if count == 1:
        return batch
    part = equal_part(rows_of(batch), index, count)
    return cast(_T, _mapped(batch, lambda each: each[part] if each.ndim else each))


def equal_part(rows: int, index: int, count: int) -> slice:
    """Which rows are one of `count` equal parts.

    Raises:
        UsageError: they do not divide into equal parts.
    """
    if rows % count:
        raise UsageError(
            f"A batch of {rows} pairs cannot be split into {count} equal parts, one for each process of torchrun and "
            "each part of --accumulate. Start fewer processes, lower --accumulate, or take a batch that both divide."
        )
    return slice(index * rows // count, (index + 1) * rows // count)


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    for each in _parts(value):
        yield from _tensors(each)


def _parts(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    if isinstance(value, tuple | list):
        return list(value)
    return [getattr(value, f.name) for f in fields(value)] if _is_batch(value) else []


def _mapped(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _mapped(each, change) for key, each in value.items()}
    if isinstance(value, tuple | list):
        parts = [_mapped(each, change) for each in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    if _is_batch(value):
        return replace(value, **{f.name: _mapped(getattr(value, f.name), change) for f in fields(value) if f.init})
    return value


def _is_batch(value: Any) -> bool:
    """Whether it is a dataclass that holds tensors, at once or in mappings; a tracker's spec holds none."""
    if not is_dataclass(value) or isinstance(value, type):
        return False
    held = [getattr(value, f.name) for f in fields(value)]
    inner = [each for one in held if isinstance(one, Mapping) for each in one.values()]
    return any(isinstance(each, Tensor) for each in [*held, *inner])
