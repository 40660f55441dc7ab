"""Fingerprints: what a value is, as a short text that is equal where, and only where, the content is equal."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any

_DIGITS = 32
"""Hexadecimal digits of a fingerprint: 128 bits, beyond any chance of two contents that share one."""


def fingerprint(value: object) -> str:
    """32 hexadecimal digits of the SHA-256 of `value` as canonical JSON: keys sorted, no spaces, no NaN.

    Args:
        value: Plain JSON types, tuples, frozen dataclasses and what has `to_dict`, nested as one likes.

    Raises:
        TypeError: something else, such as a path, which is the place of content and not the content, or a key that is
            no text.
        ValueError: NaN or infinity.
    """
    text = json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        if strange := [key for key in value if not isinstance(key, str)]:
            raise TypeError(f"A fingerprint needs keys that are text but found {strange[0]!r}.")
        return {key: _plain(each) for key, each in value.items()}
    if hasattr(value, "to_dict"):
        return _plain(value.to_dict())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    raise TypeError(f"A fingerprint is of plain content, but {value!r} is a {type(value).__name__}.")
