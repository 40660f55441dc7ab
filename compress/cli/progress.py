"""Progress on stderr with the time left: a bar on a terminal, else a plain line every few seconds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING

import click

from compress.cli.console import for_drawing
from compress.core.text import printable

if TYPE_CHECKING:
    from compress.core.progress import Progress

SECONDS_BETWEEN_LINES = 5.0
_FIGURES = 4
"""As many of the figures as a line has room for."""

_ENOUGH = 0.02
"""Less than this share done says nothing about the time that the rest takes."""

Draw = Callable[[float, str, str], None]
"""Draws the share done, the time left in words (empty where unknown), and the text."""


@contextmanager
def progress_display(*, quiet: bool) -> Iterator[Progress]:
    """A `Progress` that is drawn on stderr, or nowhere when `quiet`."""
    from compress.core.progress import no_progress

    if quiet:
        yield no_progress
    elif sys.stderr.isatty():
        with _bar() as draw:
            yield Display(draw)
    else:
        yield Display(_line, seconds_between=SECONDS_BETWEEN_LINES)


class Display:
    """A `Progress` that draws: the first call, then at most one in `seconds_between`, and the end of the task.

    Args:
        draw: Called with what is to be seen.
        clock: Seconds; for tests.
    """

    def __init__(self, draw: Draw, *, seconds_between: float = 0.0, clock: Callable[[], float] = monotonic) -> None:
        self._draw, self._between, self._clock = draw, seconds_between, clock
        self._from_share, self._since = 1.0, 0.0
        self._drawn = (-1.0, float("-inf"))

    def __call__(self, text: str, share: float, figures: Mapping[str, float] | None = None) -> None:
        """Take a step of the work, see `Progress`."""
        now, share = self._clock(), min(1.0, max(0.0, share))
        left = self._left(share, now)
        last_share, last_time = self._drawn
        if now - last_time >= self._between or share == 1.0 > last_share:
            self._drawn = share, now
            self._draw(share, _minutes(left), _said(text, figures))

    def _left(self, share: float, now: float) -> float | None:
        """Seconds at the pace since the task began, which may be in its middle: a stopped training continues."""
        if share <= self._from_share:
            self._from_share, self._since = share, now
        gained = share - self._from_share
        return (now - self._since) * (1 - share) / gained if gained > _ENOUGH else None


def _minutes(left: float | None) -> str:
    return "" if left is None else f"{int(left) // 60}:{int(left) % 60:02d} left"


def _said(text: str, figures: Mapping[str, float] | None) -> str:
    return ", ".join([text, *(f"{name} {value:.3f}" for name, value in islice((figures or {}).items(), _FIGURES))])


def _line(share: float, left: str, text: str) -> None:
    click.echo(" ".join(word for word in (f"{share:4.0%}", left, text) if word), err=True)


@contextmanager
def _bar() -> Iterator[Draw]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[left]}"),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(file=for_drawing(sys.stderr))) as bar:
        task = bar.add_task("", total=1.0, left="")

        def draw(share: float, left: str, text: str) -> None:
            # Text may hold names typed by users; rich must not read them as markup.
            bar.update(task, completed=share, description=escape(printable(text)), left=left)

        yield draw
