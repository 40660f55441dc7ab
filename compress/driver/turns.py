"""Turns on this host: nothing is timed while students are trained, and none begins while something is timed.

Of every search under one home, so that a search which measures waits for the jobs that others run now, and those
others wait until it has measured. The locks save accuracy, not files: where the home cannot be written, all go ahead.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from compress.core.files import home
from compress.core.locks import locked
from compress.core.progress import Progress, no_progress

_MOST_WAIT_S = 300.0
"""How long a search waits for another one that times something; then both do."""


@contextmanager
def timing_turn(
    progress: Progress = no_progress, *, most_s: float = _MOST_WAIT_S, every_s: float = 1.0
) -> Iterator[None]:
    """Let one search after the other time something on this host, each when no job of a search runs.

    It waits for another search that times for `most_s` at most, and for jobs under way to their end; none begins
    meanwhile.
    """
    with ExitStack() as stack:
        if _waited(stack, _first(), progress, "waiting while another search measures", most_s, every_s):
            _waited(stack, _quiet(), progress, "waiting until no student is trained on this machine", None, every_s)
        yield


@contextmanager
def training_turn(progress: Progress = no_progress) -> Iterator[None]:
    """Around each job: wait while something is timed on this host, or waits to be; any number of jobs may run."""
    with ExitStack() as stack:
        try:
            _pass(_first(), progress)
            stack.enter_context(locked(_quiet(), shared=True))
        except OSError:
            pass  # see above
        yield


def give_way(progress: Progress = no_progress) -> None:
    """Between two steps of a training that takes no turn, since it takes days: wait while something is timed here."""
    with suppress(OSError):  # see above
        _pass(_first(), progress)


def _first() -> Path:
    """Held alone by whoever times, or is next to; jobs pass it before they begin."""
    return home() / ".timing.lock"


def _quiet() -> Path:
    """Held by all jobs under way, and alone by whoever times."""
    return home() / ".training.lock"


def _pass(path: Path, progress: Progress) -> None:
    try:
        with locked(path, shared=True, wait=False):
            return
    except BlockingIOError:
        progress("waiting while a search measures on this machine", 0.0)
    with locked(path, shared=True):
        return


def _waited(stack: ExitStack, path: Path, progress: Progress, text: str, most_s: float | None, every_s: float) -> bool:
    """Whether the lock is held now, until `stack` ends: not where that took longer than `most_s`, or cannot be."""
    begin = time.monotonic()
    while True:
        try:
            stack.enter_context(locked(path, wait=False))
            return True
        except BlockingIOError:
            if most_s is not None and time.monotonic() - begin >= most_s:
                return False
            progress(text, 0.0)
            time.sleep(every_s)
        except OSError:
            return False
