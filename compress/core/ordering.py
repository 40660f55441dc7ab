"""The order that numbers in names tell: of frames in a folder, above all.

Names of frames come as `00000001`, `7`, `frame 12 (copy)`, `-3`, `760577.2833`, `1e-05` or in digits of any script.
Which of their characters belong to a number is seen from all names together: they are read so that all of them are
the same text around numbers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from compress.core.text import printable

_SUFFIX = re.compile(r"\.[a-z][a-z0-9]{0,4}$", re.IGNORECASE)
_SHOWN = 3


class _Reading(NamedTuple):
    """What belongs to a number besides its digits."""

    sign: bool
    fraction: bool
    exponent: bool


class _Order(NamedTuple):
    names: list[str]
    doubt: str | None


_PLAIN = _Reading(False, False, False)
_READINGS = [_Reading(*bits) for bits in product((False, True), repeat=3)]


def numeric_order(names: Iterable[str]) -> list[str]:
    """Names in the order of the numbers in them, `2.jpg` before `10.jpg`, whatever their suffix.

    A number may have a sign, a fraction and an exponent, where the names taken together say so: `-1` comes before `1`
    where some names have a sign and others none, but `frame-1` before `frame-2`; `0.25` before `0.5`, but `1.9` before
    `1.10` where there is also `1.1`. Names that differ in more than their numbers come in the order of their text,
    piece by piece. Equal ones come in the order of their characters.
    """
    return list(_ordered(tuple(names)).names)


def doubtful_order(names: Iterable[str]) -> str | None:
    """Why these names do not tell an order, as a clause for a message; None where they tell one."""
    return _ordered(tuple(names)).doubt


@lru_cache(maxsize=8)  # a folder is listed, then asked about
def _ordered(names: tuple[str, ...]) -> _Order:
    if len(names) < 2:
        return _Order(list(names), None)
    if _are_padded(names):  # almost all folders of frames, and some hold very many
        return _Order(sorted(names), None)
    if _are_whole_numbers(names):  # such as `0.jpg`, `1.jpg`, …
        return _Order(sorted(names, key=lambda name: int(name.partition(".")[0])), None)
    texts = {reading: Counter(_text(name, reading) for name in names) for reading in _READINGS}
    most = max(counts.most_common(1)[0][1] for counts in texts.values())
    likely = [reading for reading, counts in texts.items() if counts.most_common(1)[0][1] == most]
    usual = {reading: texts[reading].most_common(1)[0][0] for reading in likely}
    alike = tuple(name for name in names if _text(name, likely[0]) == usual[likely[0]])
    if 2 * most <= len(names):
        return _Order(_sorted(names, _PLAIN), f"names such as {_shown(names)} have no pattern in common")
    chosen, doubt = _choose(likely, alike)
    found = _sorted(names, chosen)
    return _Order(found, _unlike(names, alike) or doubt or _equal(found, chosen))


def _are_padded(names: tuple[str, ...]) -> bool:
    """Whether all are numbers of as many digits, each another."""
    stems = {name.partition(".")[0] for name in names if name.count(".") < 2}
    return len(stems) == len(names) == sum(s.isascii() and s.isdigit() for s in stems) and len({*map(len, stems)}) == 1


def _are_whole_numbers(names: tuple[str, ...]) -> bool:
    """Whether all are digits and one suffix, which is no number, and each is another number."""
    stems = [name.partition(".")[0] for name in names]
    suffixes = {name.partition(".")[2] for name in names}
    if len(suffixes) != 1 or not all(s.isascii() and s.isdigit() for s in stems):
        return False
    return suffixes.pop().isalpha() and len({int(stem) for stem in stems}) == len(names)


def _choose(likely: list[_Reading], names: tuple[str, ...]) -> tuple[_Reading, str | None]:
    """One of several readings, each of which makes names alike; and whether another is as likely."""
    exponent = all(reading.exponent for reading in likely)
    signs = {reading.sign for reading in likely if reading.exponent == exponent}
    # All names have a minus: at their start or after a space it is a sign, between other characters it joins.
    sign = signs == {True} or (True in signs and all(re.search(r"(?:^|[\s=(\[{_])[-+−]\d", name) for name in names))
    plain, decimal = _Reading(sign, False, exponent), _Reading(sign, True, exponent)
    readings = [reading for reading in (plain, decimal) if reading in likely]
    chosen, doubt = readings[0], None
    if len(readings) > 1 and _sorted(names, plain) != _sorted(names, decimal):
        chosen, sure = _with_fractions(plain, decimal, names)
        doubt = None if sure else f"names such as {_shown(names)} are decimal numbers or pairs of numbers"
    if sign and signs == {False, True}:
        doubt = f"all names, such as {_shown(names)}, have a minus that may be a sign or none"
    return chosen, doubt


def _with_fractions(plain: _Reading, decimal: _Reading, names: tuple[str, ...]) -> tuple[_Reading, bool]:
    """Whether points stand in decimal numbers, as in times, or between whole ones; and whether that is sure."""
    repeated = {reading: len({_key(name, reading) for name in names}) < len(names) for reading in (plain, decimal)}
    if repeated[plain] != repeated[decimal]:
        return (decimal if repeated[plain] else plain), True
    fractions = [found for name in names for found in re.findall(r"\d[.,](\d+)", _stem(name))]
    # Programs that write numbers of any length leave out zeros at the end.
    if all(fraction == "0" or not fraction.endswith("0") for fraction in fractions):
        return decimal, True
    return plain, False


def _sorted(names: Iterable[str], reading: _Reading) -> list[str]:
    return sorted(names, key=lambda name: (_key(name, reading), name))


def _key(name: str, reading: _Reading) -> tuple[str | Decimal, ...]:
    """Text and numbers in turn, so that numbers are compared with numbers and text with text."""
    pieces: list[str | Decimal] = []
    stem, start = _stem(name), 0
    for match in _numbers(reading).finditer(stem):
        value = match[0].replace("−", "-").replace(",", ".")
        pieces += [stem[start : match.start()].casefold(), Decimal(value)]
        start = match.end()
    return (*pieces, stem[start:].casefold())


def _text(name: str, reading: _Reading) -> str:
    """What is left of a name without its numbers."""
    return _numbers(reading).sub("\0", _stem(name)).casefold()


def _stem(name: str) -> str:
    return _SUFFIX.sub("", name)


@lru_cache(maxsize=8)
def _numbers(reading: _Reading) -> re.Pattern[str]:
    sign = r"(?:(?<!\d)[-+−])?" if reading.sign else ""
    # Neither part of a date or version, such as 2020.01.05, is a fraction.
    fraction = r"(?:(?<!\d[.,])(?:(?<=\d)[.,]\d+(?![.,]\d))?)" if reading.fraction else ""
    exponent = r"(?:e[-+]?\d{1,3}(?!\w))?" if reading.exponent else ""
    return re.compile(rf"{sign}\d+{fraction}{exponent}", re.IGNORECASE)


def _unlike(names: tuple[str, ...], alike: tuple[str, ...]) -> str | None:
    odd = sorted(set(names) - set(alike))
    return f"{_shown(odd)} {'is' if len(odd) == 1 else 'are'} named unlike the others" if odd else None


def _equal(ordered: list[str], reading: _Reading) -> str | None:
    for one, other in zip(ordered, ordered[1:], strict=False):
        if _key(one, reading) == _key(other, reading):
            return f"{_shown([one, other])} have the same number"
    return None


def _shown(names: Iterable[str]) -> str:
    shown = [printable(name, most=60) for name in sorted(names)]
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return f"{', '.join(shown[:_SHOWN])}{more}" if more or len(shown) != 2 else " and ".join(shown)
