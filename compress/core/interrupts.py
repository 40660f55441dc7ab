"""Signals that end a process: raised like Ctrl-C, so that everything is cleaned, and waiting until a step is whole."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_ENDING = (signal.SIGTERM, signal.SIGHUP)
_SIGNALS = (signal.SIGINT, *_ENDING)


class Terminated(KeyboardInterrupt):
    """The process was asked to end by another signal than that of Ctrl-C.

    Attributes:
        exit_code: What shells expect: 143 for SIGTERM, 129 for SIGHUP.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"ended by {signal.Signals(number).name}")
        self.exit_code = 128 + number


def raise_when_terminated() -> None:
    """From now on SIGTERM and SIGHUP raise `Terminated` in the main thread; what is ignored stays so (`nohup`).

    Does nothing in other threads, and where the program that imported this package handles them.
    """
    if threading.current_thread() is threading.main_thread():
        for number in _ENDING:
            if signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, _terminate)


def _terminate(number: int, frame: FrameType | None) -> None:
    for each in _ENDING:
        signal.signal(each, signal.SIG_IGN)  # another one would break off the cleaning
    raise Terminated(number)


class DeferredInterrupts:
    """What came while a block ran; see `deferred_interrupts`."""

    def __init__(self) -> None:
        self._came: int | None = None
        self._before: dict[int, Any] = {}

    @property
    def requested(self) -> bool:
        """Whether somebody wants the process to stop, so that what can be saved should be."""
        return self._came is not None

    def _start(self) -> None:
        for number in _SIGNALS:
            if signal.getsignal(number) not in (signal.SIG_IGN, None):  # `nohup`, or a handler that is not Python's
                self._before[number] = signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        """The first one is noted. A second one means now: the block may be waiting for something."""
        again, self._came = self._came is not None, number
        if again:
            self._end()

    def _end(self) -> None:
        """Put the handlers back, and hand the signal to the one that it was for."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        came, self._before, self._came = self._came, {}, None
        if came is not None:
            signal.raise_signal(came)


@contextmanager
def deferred_interrupts() -> Iterator[DeferredInterrupts]:
    """Within the block Ctrl-C, SIGTERM and SIGHUP are noted; at its end they do what they would have done at once.

    A second one does it at once. In threads other than the main one, which get no signals, nothing changes.
    """
    found = DeferredInterrupts()
    if threading.current_thread() is not threading.main_thread():
        yield found
        return
    found._start()
    try:
        yield found
    finally:
        found._end()
