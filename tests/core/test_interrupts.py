"""Interrupts that wait until a block ends: real signals to this process."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from types import FrameType

import pytest

from compress.core.interrupts import deferred_interrupts


class _Terminated(Exception):
    pass


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    def terminate(number: int, frame: FrameType | None) -> None:
        raise _Terminated

    before = signal.getsignal(signal.SIGINT), signal.signal(signal.SIGTERM, terminate)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before[0])
    signal.signal(signal.SIGTERM, before[1])


@pytest.mark.parametrize(("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, _Terminated)])
def test_delivered_when_the_block_ends(number: signal.Signals, error: type[BaseException]) -> None:
    requested: list[bool] = []

    def block() -> None:
        with deferred_interrupts() as found:
            requested.append(found.requested)
            signal.raise_signal(number)
            requested.append(found.requested)

    with pytest.raises(error):
        block()
    assert requested == [False, True]


def test_a_second_one_does_not_wait() -> None:
    def block() -> None:
        with deferred_interrupts():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            pytest.fail("it waited")

    with pytest.raises(KeyboardInterrupt):
        block()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_nothing_came_and_what_is_ignored_stays_so() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with deferred_interrupts() as found:
        signal.raise_signal(signal.SIGINT)
        assert not found.requested
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_in_another_thread_nothing_changes() -> None:
    seen: list[bool] = []

    def work() -> None:
        with deferred_interrupts() as found:
            seen.append(found.requested)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]
