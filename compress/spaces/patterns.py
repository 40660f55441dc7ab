"""Patterns of kept layers, each valid at every depth, and the exact numbers they need."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from functools import cache


def exact_number(value: object) -> Fraction | None:
    """An integer, a finite float, or a text such as `1/3` or `0.25`, as an exact number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    # Nothing with an exponent as text: 1e99999999 would be computed in full.
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,9}(/[0-9]{1,9}|\.[0-9]{1,9})?", value):
        return None
    return _exact(str(value))


@cache
def _exact(text: str) -> Fraction | None:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        return None


def _even(depth: int, of: int) -> list[int]:
    """Evenly spread, the first and the last among them."""
    return [nearest(Fraction(i * (of - 1), max(1, depth - 1))) for i in range(depth)]


def _front(depth: int, of: int) -> list[int]:
    """The first ones (LiteTrack)."""
    return list(range(depth))


def _ends(depth: int, of: int) -> list[int]:
    """The first half and the last half, without the middle."""
    last = depth // 2
    return [*range(depth - last), *range(of - last, of)]


def nearest(value: Fraction | float) -> int:
    """To the nearest integer, halves up: Python's own rounds 0.5 and 2.5 down."""
    return int(value + Fraction(1, 2)) if isinstance(value, Fraction) else int(value + 0.5)


PATTERNS: dict[str, Callable[[int, int], list[int]]] = {"even": _even, "front": _front, "ends": _ends}
"""Name to (layers kept, layers of the teacher) → indices, ascending."""
