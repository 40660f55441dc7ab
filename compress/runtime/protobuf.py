"""The wire format of protocol buffers, read strictly: known fields, each as often as it may occur, and nothing else.

A strict reader and a forgiving one must not see two different messages in the same bytes, so everything is refused
that a writer of ours does not write: unknown and repeated fields, groups, numbers of more than 64 bits.
https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_DEEPEST, _MOST_FIELDS, _MOST_PACKED = 64, 1_000_000, 1 << 16


@dataclass(frozen=True)
class Field:
    """A field of a message.

    Attributes:
        kind: `message` is one of the schema, named by `of`; `bytes` stay where they are in the file.
        many: Whether it may occur several times; integers may then also be packed into one.
    """

    name: str
    kind: Literal["int", "float", "text", "bytes", "message"]
    many: bool = False
    of: str = ""


Schema = Mapping[str, Mapping[int, Field]]
"""Fields by their numbers, of messages by their names."""

Message = dict[str, Any]
"""Values by the names of fields: of `many` a list, others only where they occur."""


def read_message(
    data: bytes, schema: Schema, kind: str, explained: Mapping[tuple[str, int], str] | None = None
) -> Message:
    """The message of `kind` that `data` is.

    Args:
        explained: What is wrong with some of the fields that are not in the schema, by message and number.

    Raises:
        ValueError: it is none, with the reason.
    """
    return _Reader(schema, explained or {}).message(memoryview(data), kind, 0)


class _Reader:
    def __init__(self, schema: Schema, explained: Mapping[tuple[str, int], str]) -> None:
        self._schema, self._explained = schema, explained
        self._fields = 0

    def message(self, data: memoryview, kind: str, depth: int) -> Message:
        if depth > _DEEPEST:
            raise ValueError(f"it is nested deeper than {_DEEPEST} levels")
        known = self._schema[kind]
        found: Message = {field.name: [] for field in known.values() if field.many}
        for number, wire, value in _fields(data):
            self._fields += 1
            if self._fields > _MOST_FIELDS:
                raise ValueError(f"it holds more than {_MOST_FIELDS} values")
            field = known.get(number)
            if field is None:
                reason = f"its {kind} has the field {number}, which no graph of a bundle has"
                raise ValueError(self._explained.get((kind, number), reason))
            read = self._value(field, wire, value, depth)
            if field.many:
                found[field.name] += read
            elif field.name in found:
                raise ValueError(f"its {kind} has two of {field.name}")
            else:
                found[field.name] = read[0]
        return found

    def _value(self, field: Field, wire: int, value: Any, depth: int) -> list[Any]:
        if field.kind == "int" and wire == _VARINT:
            return [_signed(value)]
        if field.kind == "int" and wire == _LENGTH and field.many and len(value) <= _MOST_PACKED:
            return list(_packed(value))
        if field.kind == "float" and wire == _FIXED32:
            return list(struct.unpack("<f", value))
        if wire != _LENGTH or field.kind in ("int", "float"):
            raise ValueError(f"its {field.name} is not written as {field.kind}")
        if field.kind == "message":
            return [self.message(value, field.of, depth + 1)]
        if field.kind == "bytes":
            return [value]
        try:
            return [bytes(value).decode("utf-8")]
        except UnicodeDecodeError:
            raise ValueError(f"its {field.name} is no text") from None


def _fields(data: memoryview) -> Iterator[tuple[int, int, Any]]:
    """Number, wire type and value of each field: an unsigned number or a stretch of the data."""
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        wire = key & 7
        if wire == _VARINT:
            value, at = _varint(data, at)
            yield key >> 3, wire, value
            continue
        if wire == _LENGTH:
            size, at = _varint(data, at)
        elif wire in (_FIXED32, _FIXED64):
            size = 4 if wire == _FIXED32 else 8
        else:
            raise ValueError(f"it has a part of the kind {wire}, which no graph of a bundle has")
        if size > end - at:
            raise ValueError("it is cut short")
        yield key >> 3, wire, data[at : at + size]
        at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where it ends."""
    value = shift = 0
    while True:
        if at >= len(data):
            raise ValueError("it is cut short")
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            break
        shift += 7
        if shift > 63:
            raise ValueError("it has a number of more than 64 bits")
    if value >> 64:
        raise ValueError("it has a number of more than 64 bits")
    return value, at


def _packed(data: memoryview) -> Iterator[int]:
    at = 0
    while at < len(data):
        value, at = _varint(data, at)
        yield _signed(value)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value
