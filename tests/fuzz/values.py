"""Plain data made hostile by its structure: values, keys, counts and nesting that no writer of ours would write."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from random import Random
from typing import Any

ESCAPE = "compress-fuzz-escape"
"""The name of every file that hostile paths ask for outside of their folder."""


class Raw(str):
    """Text that stands in a file as it is, where a value should stand."""


class Doubled(dict[str, Any]):
    """An object with a key that occurs twice."""

    again: tuple[str, Any] = ("", None)


TEXTS = (
    "", " ", "x", "\x00", "\x1b[2J\x1b]0;x\x07", "\ud800", "a\u202egpj.exe", "\u0085\u2028", "é" * 50, "a" * 100_000,
    "../" * 12 + f"tmp/{ESCAPE}", f"/tmp/{ESCAPE}", f"../../{ESCAPE}", f"~/{ESCAPE}", "/etc/passwd", "/dev/zero", ".",
    "=HYPERLINK(\"http://x\")", "%s%n{0.__class__}", "NaN", "1e999", "١٢", "1_000", "0x10", "null", "true",
    "; rm -rf x",
    "$(touch x)", "<script>alert(1)</script>", "two\nlines", "tab\tand\rreturn", "[bold]markup[/nothing]",
)  # fmt: skip
NUMBERS = (
    0, -1, 1, 2, 255, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**63, -(2**63), 2**64, 10**30, 0.5, -0.0, 1e-300, 5e-324,
    1e300, -1e300, math.nan, math.inf, -math.inf, Raw("9" * 400), Raw("-" + "9" * 400), Raw("9" * 5000), Raw("1e400"),
)  # fmt: skip
SCALARS = (None, True, False, *NUMBERS, *TEXTS)


def hostile(rng: Random) -> Any:
    """A value that is probably wrong wherever it stands."""
    kind = rng.randrange(10)
    if kind < 7:
        return rng.choice(SCALARS)
    if kind == 7:
        return rng.choice(([], {}, [[]], [None], {"": 0}, [0] * 1000, [[0] * 100] * 100))
    if kind == 8:
        depth = rng.choice((10, 100, 1000, 50_000))
        return Raw(rng.choice(("[" * depth + "]" * depth, '{"a":' * depth + "0" + "}" * depth)))
    return [rng.choice(SCALARS) for _ in range(rng.randrange(1, 6))]


def mutated(value: Any, rng: Random) -> Any:
    """A copy with one to three changes."""
    copy = _copied(value)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        copy = _changed(copy, rng)
    return copy


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container with each of its keys."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        each = waiting.pop()
        keys = list(each) if isinstance(each, dict) else range(len(each)) if isinstance(each, list) else ()
        found += [(each, key) for key in keys]
        waiting += [each[key] for key in keys]
    return found


def dumped(value: Any) -> str:
    """JSON, or what was asked for in its place: numbers that are none, raw text, doubled keys."""
    if isinstance(value, Raw):
        return value
    if isinstance(value, dict):
        pairs = [*value.items(), *([value.again] if isinstance(value, Doubled) else [])]
        return "{" + ", ".join(f"{json.dumps(str(key))}: {dumped(each)}" for key, each in pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(dumped, value)) + "]"
    return json.dumps(value)


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in value.items()}
    return [_copied(each) for each in value] if isinstance(value, list | tuple) else value


def _changed(value: Any, rng: Random) -> Any:
    found = places(value)
    if not found or rng.random() < 0.02:
        return hostile(rng)
    holder, key = rng.choice(found)
    rng.choice(_CHANGES)(holder, key, found, rng)
    if isinstance(value, dict) and rng.random() < 0.06 and value:
        twice = Doubled(value)
        name = rng.choice(list(value))
        twice.again = (name, rng.choice((value[name], hostile(rng))))
        return twice
    return value


def _replace(holder: Any, key: Any, found: Any, rng: Random) -> None:
    holder[key] = hostile(rng)


def _nudge(holder: Any, key: Any, found: Any, rng: Random) -> None:
    """Another number, or another type of the same."""
    value = holder[key]
    if isinstance(value, bool) or not isinstance(value, int | float):
        holder[key] = rng.choice((str(value)[:1000], [value], {"x": value}, value and hostile(rng)))
        return
    big = 1e300 if isinstance(value, float) else 10**9
    holder[key] = rng.choice(
        (value + 1, value - 1, -value, value * 2, value * 1000, value * big, value / 3, str(value))
    )


def _drop(holder: Any, key: Any, found: Any, rng: Random) -> None:
    del holder[key]


def _add(holder: Any, key: Any, found: Any, rng: Random) -> None:
    if isinstance(holder, dict):
        holder[rng.choice(("more", *TEXTS))] = hostile(rng)
    else:
        holder.insert(key, hostile(rng))


def _repeat(holder: Any, key: Any, found: Any, rng: Random) -> None:
    if isinstance(holder, list):
        holder[key:key] = [holder[key]] * rng.choice((1, 2, 50, 3000))
    elif isinstance(holder[key], list):
        holder[key] = holder[key] * rng.choice((2, 10, 300))
    else:
        holder[f"{key} "] = holder[key]


def _swap(holder: Any, key: Any, found: Any, rng: Random) -> None:
    """What stands at another place, as it is there."""
    other, theirs = rng.choice(found)
    holder[key] = _copied(other[theirs])


def _rename(holder: Any, key: Any, found: Any, rng: Random) -> None:
    if isinstance(holder, dict):
        holder[rng.choice((str(key).upper(), f"{key}s", *TEXTS))] = holder.pop(key)
    else:
        holder.reverse()


_CHANGES: tuple[Callable[[Any, Any, Any, Random], None], ...] = (
    _replace, _replace, _replace, _replace, _nudge, _nudge, _drop, _add, _repeat, _swap, _rename
)  # fmt: skip
