"""Progress of a measurement on stderr."""

from __future__ import annotations

import click


class ProgressLine:
    """A line whenever the work changes or a fifth of it is done."""

    def __init__(self) -> None:
        self._last = ("", -1)

    def __call__(self, what: str, share: float) -> None:
        step = (what, int(share * 5))
        if step != self._last:
            self._last = step
            click.echo(f"{what} {share:.0%}", err=True)
