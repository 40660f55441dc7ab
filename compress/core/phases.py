"""Where the time goes: seconds by phase, each without those of phases within it.

    with collected() as seconds:
        with phase("training"):
            ...
    seconds  # {"training": 12.3}

Phases are named where the work is done, and collected by whoever wants to know; elsewhere they cost next to nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter

Seconds = dict[str, float]

_COLLECTOR: ContextVar[Seconds | None] = ContextVar("collector", default=None)
_WITHIN: ContextVar[list[float] | None] = ContextVar("within", default=None)
"""Seconds of the phases that ended inside the open one."""


@contextmanager
def collected() -> Iterator[Seconds]:
    """Gather the phases that end within, which nobody outside then counts. Of this thread only."""
    seconds: Seconds = {}
    token = _COLLECTOR.set(seconds)
    try:
        yield seconds
    finally:
        _COLLECTOR.reset(token)


@contextmanager
def phase(name: str) -> Iterator[None]:
    """Count what is done within as a phase; one of the same name adds to it."""
    outer, inner = _WITHIN.get(), [0.0]
    token, begin = _WITHIN.set(inner), perf_counter()
    try:
        yield
    finally:
        took = perf_counter() - begin
        _WITHIN.reset(token)
        if outer is not None:
            outer[0] += took
        seconds = _COLLECTOR.get()
        if seconds is not None:
            seconds[name] = seconds.get(name, 0.0) + took - inner[0]


def rounded(seconds: Seconds) -> Seconds:
    """To milliseconds, without what took none."""
    return {name: round(each, 3) for name, each in seconds.items() if each >= 0.0005}
