"""Threads of a runtime: how many can be asked for, and how many the process can use at once.

This module is packed into kits: Python 3.8.
"""

from __future__ import annotations

import os

from compress.core.errors import UsageError, warn

MOST_THREADS = 256
"""More make runtimes fail in ways that end the process; no processor has a use for them."""

_warned: set[int] = set()


def usable_cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def check_threads(threads: int) -> None:
    """Refuse a number of threads that no runtime can have, and warn, once, of more than there are cores.

    Raises:
        UsageError: fewer than 1 or more than `MOST_THREADS`.
    """
    cores = usable_cores()
    if type(threads) is not int or not 1 <= threads <= MOST_THREADS:
        raise UsageError(
            f"threads must be from 1 to {MOST_THREADS} but is {threads}. This process can use {_cores(cores)}."
        )
    if threads > cores and threads not in _warned:
        _warned.add(threads)
        warn(
            f"{threads} threads were asked for, but this process can use {_cores(cores)}: they wait for each other, "
            f"and a frame can take several times longer. Ask for {cores} or fewer."
        )


def _cores(count: int) -> str:
    return f"{count} core{'s' * (count > 1)}"
