"""Signals that end a process: raised like Ctrl-C, so that everything is cleaned, and kept waiting where it matters."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ENDING = (signal.SIGTERM, signal.SIGHUP)
_WAITING = (signal.SIGINT, *_ENDING)


class Terminated(KeyboardInterrupt):
    """The process was asked to end by a signal other than Ctrl-C's; `exit_code` is the one that shells expect."""

    def __init__(self, number: int) -> None:
        super().__init__(f"ended by {signal.Signals(number).name}")
        self.exit_code = 128 + number


def raise_when_terminated() -> None:
    """From now on SIGTERM and SIGHUP raise `Terminated` in the main thread; ignored ones stay so (`nohup`)."""
    for number in _ENDING:
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _terminate)


def _terminate(number: int, frame: FrameType | None) -> None:
    for each in _ENDING:
        signal.signal(each, signal.SIG_IGN)  # another one would break off the cleaning
    raise Terminated(number)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Signals that end the process wait until the block, which should be short, has ended.

    Python's handlers are exchanged, since a mask would only hold for one thread while others can take the signal.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # handlers run in the main thread only
        return
    came: list[int] = []
    handlers = {number: signal.getsignal(number) for number in _WAITING}
    held = {number: handler for number, handler in handlers.items() if handler not in (None, signal.SIG_IGN)}
    try:
        for number in held:
            signal.signal(number, lambda number, frame: came.append(number))
        yield
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
        for each in came:
            signal.raise_signal(each)
