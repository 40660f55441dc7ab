"""Click's types for numbers: read strictly, within the ranges of `compress.core.ranges`."""

from __future__ import annotations

from typing import Any

import click

from compress.core.plain_values import shown
from compress.core.ranges import NumberRange


class Number(click.FloatRange):
    """One number of a range, in ASCII digits; help shows the range."""

    def __init__(self, numbers: NumberRange) -> None:
        limits_open = numbers.open
        super().__init__(numbers.at_least, numbers.at_most, min_open=limits_open, max_open=limits_open)
        self.numbers = numbers
        self.name = "integer range" if numbers.whole else "float range"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See click; a default that is a number already is checked as well."""
        found = self.numbers.read(value) if isinstance(value, str) else value
        if found not in self.numbers:
            raise click.UsageError(f"{_flag(param)} must be {self.numbers} but is {shown(value)}.", ctx)
        return found


class Numbers(click.ParamType):
    """Numbers of a range with commas between, such as `0.6,0.7`.

    Args:
        example: Shown where something else is given.
        count: How many there must be; None for any number of them.
    """

    name = "numbers"
    _MOST = 1000

    def __init__(self, numbers: NumberRange, example: str, *, count: int | None = None) -> None:
        self.numbers, self._example, self._count = numbers, example, count

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See click."""
        if not isinstance(value, str):
            return value
        words = value.split(",", self._MOST)
        found = tuple(self.numbers.read(word.strip(" ")) for word in words)
        if None in found or len(found) != (self._count or len(found)):
            count = f"{self._count} numbers" if self._count else "numbers"
            raise click.UsageError(
                f"{_flag(param)} must be {count} with commas between, each {self.numbers}, such as {self._example}, "
                f"but is {shown(value)}.",
                ctx,
            )
        return found


def _flag(param: click.Parameter | None) -> str:
    return param.opts[0] if param is not None else "It"
