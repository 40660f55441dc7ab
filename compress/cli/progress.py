"""Progress on stderr: a line with a bar and the time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

import click

Show = Callable[[str, float, float | None], None]

_SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def shown(*, quiet: bool) -> Iterator[Show | None]:
    """Yield what a search reports its progress to."""
    if quiet:
        yield None
    elif sys.stderr.isatty():
        with _bar() as show:
            yield show
    else:
        yield _lines()


@contextmanager
def _bar() -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[left]}"),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=1.0, left="")

        def show(text: str, share: float, left: float | None) -> None:
            # Text may hold names typed by users; rich must not read them as markup.
            progress.update(task, completed=share, description=text.replace("[", r"\["), left=_left(left))

        yield show


def _lines() -> Show:
    last = 0.0

    def show(text: str, share: float, left: float | None) -> None:
        nonlocal last
        if monotonic() - last >= _SECONDS_BETWEEN_LINES:
            last = monotonic()
            click.echo(f"{share:4.0%} {_left(left)} {text}", err=True)

    return show


def _left(seconds: float | None) -> str:
    return "" if seconds is None else f"{int(seconds) // 60}:{int(seconds) % 60:02d} left"
