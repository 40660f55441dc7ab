"""Opening what a user names: a regular file of a size that such a file can have, never waited for.

A pipe without a writer would be waited for without end, a device may never end, and reading some devices has effects:
none of them is opened. Links are followed, since what is behind them is what counts.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from compress.core.errors import FileError

_KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def regular_file(path: Path | str, what: str, at_most: int | None = None, *, advice: str = "") -> Path:
    """`path` itself, where it is or leads to a regular file that can be opened.

    Args:
        what: What the file should be, for messages, such as "hardware profile".
        at_most: Bytes that such a file can have; None where it is read in pieces or by a reader with bounds.
        advice: What to do where it is none; a sentence.

    Raises:
        FileError: it is missing, a folder, a device, a pipe, a socket, too large, or may not be read.
    """
    with opened(path, what, at_most, advice=advice):
        return Path(path)


def read_bounded(path: Path | str, what: str, at_most: int, *, advice: str = "") -> bytes:
    """The bytes of a regular file of at most `at_most` bytes; see `regular_file`. Raises FileError as it does."""
    with opened(path, what, at_most, advice=advice) as file:
        try:
            data = file.read(at_most + 1)
        except OSError as error:
            raise _unreadable(path, what, error, advice) from error
    if len(data) > at_most:  # files of /proc say that they are empty, and others grow
        raise _too_large(path, what, at_most, advice)
    return data


@contextmanager
def opened(path: Path | str, what: str, at_most: int | None = None, *, advice: str = "") -> Iterator[BinaryIO]:
    """A regular file, open for reading bytes; see `regular_file`. Raises FileError as it does."""
    with os.fdopen(_descriptor(path, what, advice), "rb") as file:
        if at_most is not None and os.fstat(file.fileno()).st_size > at_most:
            raise _too_large(path, what, at_most, advice)
        yield file


def _descriptor(path: Path | str, what: str, advice: str) -> int:
    """Looked at before it is opened, since opening has effects on devices, and again after, since it may change."""
    try:
        _check_kind(os.stat(path).st_mode, path, what, advice)
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except FileNotFoundError:
        raise FileError(f"There is no {what} at {path}. {advice}".rstrip()) from None
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        raise _unreadable(path, what, error, advice) from error
    try:
        _check_kind(os.fstat(descriptor).st_mode, path, what, advice)
    except FileError:
        os.close(descriptor)
        raise
    return descriptor


def _check_kind(mode: int, path: Path | str, what: str, advice: str) -> None:
    for holds, kind in _KINDS:
        if holds(mode):
            raise FileError(f"There is no {what} at {path}: it is {kind}, no regular file. {advice}".rstrip())


def _unreadable(path: Path | str, what: str, error: Exception, advice: str) -> FileError:
    reason = (error.strerror if isinstance(error, OSError) else None) or error
    return FileError(f"The {what} {path} cannot be read ({reason}). {advice}".rstrip())


def _too_large(path: Path | str, what: str, at_most: int, advice: str) -> FileError:
    return FileError(f"{path} is larger than any {what} ({at_most} bytes). {advice}".rstrip())
