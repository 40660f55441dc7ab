"""Whether a search runs in a run directory now, and how far it is, as others may ask.

The file `.lock` is held by the process that searches, and says so; what it says is believed only while it is held.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep, strftime

from compress.core import CompressError, FileError
from compress.core.plain import from_plain
from compress.core.plain_files import parse_json
from compress.core.progress import Progress
from compress.core.text import printable

_NAME = ".lock"
_MOST = 4_000
_BETWEEN_S = 1.0
"""Seconds between two notes of the progress."""


@dataclass(frozen=True)
class RunningSearch:
    """A search that runs now.

    Attributes:
        pid: Its process; 0 where it does not say.
        since: When it was started, local time; empty where it does not say.
        share: Of its work that is done, in [0, 1].
        text: What it does now.
    """

    pid: int = 0
    since: str = ""
    share: float = 0.0
    text: str = ""

    def __str__(self) -> str:
        who = f" (process {self.pid}, since {self.since})" if self.pid else ""
        now = f", now: {printable(self.text, most=200)}" if self.text else ""
        return f"running{who}, {min(1.0, max(0.0, self.share)):.0%} done{now}"


def running_search(run_dir: Path) -> RunningSearch | None:
    """The search that runs in a run directory now; None where none does."""
    try:
        descriptor = os.open(run_dir / _NAME, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        # Shared, so that a search that starts at this moment is all that could be disturbed.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        if (run_dir / ".sessions").is_dir():  # searches that have joined hold it shared, too
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        return _said(os.pread(descriptor, _MOST, 0))
    finally:
        os.close(descriptor)


def _said(data: bytes) -> RunningSearch:
    """What the process that holds the lock wrote; it may be writing right now."""
    try:
        return from_plain(RunningSearch, parse_json(data.decode()), "lock", error=FileError)
    except (ValueError, FileError):
        return RunningSearch()


class RunLock:
    """A run directory that is held, and what is said there of the search that holds it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._since, self._noted = descriptor, strftime("%Y-%m-%d %H:%M:%S"), float("-inf")
        self.note("", 0.0)

    def note(self, text: str, share: float) -> None:
        """Say how far the search is."""
        said = {"pid": os.getpid(), "since": self._since, "share": share, "text": printable(text, most=300)}
        # In place, as the lock is on this very file; whoever reads half of it takes it for nothing said.
        data = json.dumps(said).encode()
        os.pwrite(self._descriptor, data, 0)
        os.ftruncate(self._descriptor, len(data))

    def noting(self, progress: Progress) -> Progress:
        """`progress`, noted beside now and then."""

        def both(text: str, share: float, figures: Mapping[str, float] | None = None) -> None:
            now = monotonic()
            if now - self._noted >= _BETWEEN_S:
                self._noted = now
                self.note(text, share)
            progress(text, share, figures)

        return both


@contextmanager
def run_dir_lock(run_dir: Path, *, shared: bool = False) -> Iterator[RunLock]:
    """Hold the run directory, made where there is none; the lock goes with the process, however it ends.

    Args:
        shared: With others that hold it so.

    Raises:
        CompressError: another process holds it, or any where it is not to be shared.
        FileError: something else stands in the place of the lock.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    path = run_dir / _NAME
    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o644)
    except OSError as error:
        if not path.is_symlink() and not path.is_dir():
            raise
        raise FileError(f"{path} is no regular file. Remove it, or give another --out.") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FileError(f"{path} is no regular file. Remove it, or give another --out.")
        try:
            _hold(descriptor, shared)
        except OSError as error:
            said = _said(os.pread(descriptor, _MOST, 0))
            raise CompressError(
                f"Another search is running in {run_dir}: {said}. Wait for it or stop it, or give another --out"
                + (", as it was begun without --join." if shared else "; searches that all have --join share a run.")
            ) from error
        try:
            yield RunLock(descriptor)
        finally:
            if not shared:
                os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _hold(descriptor: int, shared: bool) -> None:
    """Lock a file at once. One that is to be shared may be looked at by others right now, which is soon over."""
    for left in (3, 2, 1, 0):
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            return
        except OSError:
            if not (shared and left):
                raise
            sleep(0.1)
