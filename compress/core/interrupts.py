"""Interrupts that wait until a step is whole: Ctrl-C and SIGTERM are delivered when a block ends, not in its midst."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


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
        number, self._before, self._came = self._came, {}, None
        if number is not None:
            signal.raise_signal(number)


@contextmanager
def deferred_interrupts() -> Iterator[DeferredInterrupts]:
    """Within the block Ctrl-C and SIGTERM are noted; at its end they do what they would have done at once.

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
