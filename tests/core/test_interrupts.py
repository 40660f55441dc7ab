"""Interrupts that wait until a block ends: real signals to this process."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from types import FrameType

import pytest

from compress.core.interrupts import Terminated, deferred_interrupts, raise_when_terminated


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


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_what_ends_a_process_is_raised_once_as_ctrl_c_is(number: signal.Signals, code: int) -> None:
    before = {each: signal.signal(each, signal.SIG_DFL) for each in (signal.SIGTERM, signal.SIGHUP)}
    try:
        raise_when_terminated()
        with pytest.raises(KeyboardInterrupt) as caught:
            signal.raise_signal(number)
        assert isinstance(caught.value, Terminated)
        assert caught.value.exit_code == code
        signal.raise_signal(number)  # while it cleans: not again
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def test_what_is_ignored_or_handled_stays_so() -> None:
    handler = signal.getsignal(signal.SIGTERM)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        raise_when_terminated()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) is handler
    finally:
        signal.signal(signal.SIGHUP, before)


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
