"""Sizes in bytes as people write them: `4GB`, `512 MiB`."""

from __future__ import annotations

import re
from typing import Any

from compress.core.errors import UsageError
from compress.core.plain_values import shown

_DECIMAL = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_BINARY = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_UNITS = {unit.lower(): factor for unit, factor in (_DECIMAL | _BINARY).items()}
_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?) ?([A-Za-z]{1,3})?", re.ASCII)

MOST_BYTES = 10**18
"""No disk of today holds more."""


def parsed_bytes(name: str, text: Any) -> int:
    """The bytes that a text such as `4GB`, `512 MiB` or `0` names; the unit may be in any case.

    Args:
        name: What is given, for the message.

    Raises:
        UsageError: another form, no unit, or more than `MOST_BYTES`.
    """
    match = _SIZE.fullmatch(text.strip()) if isinstance(text, str) else None
    number, unit = match.groups() if match else ("", None)
    factor = _UNITS.get((unit or "").lower(), 1 if number and float(number) == 0 else None)
    if not number or factor is None or float(number) * factor > MOST_BYTES:
        units = ", ".join(_DECIMAL | _BINARY)
        raise UsageError(f"{name} must be a size with a unit ({units}), such as 4GB, or 0, but is {shown(text)}.")
    return int(float(number) * factor)


def shown_bytes(count: float) -> str:
    """A size for people, three digits with a decimal unit: `1.25 GB`."""
    for unit in ("TB", "GB", "MB", "kB"):
        if count >= _DECIMAL[unit]:
            return f"{count / _DECIMAL[unit]:.3g} {unit}"
    return f"{count:.0f} bytes"
