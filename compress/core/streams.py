"""Outputs that are no regular files: devices, pipes, terminals and descriptors such as `/dev/stdout`."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from compress.core.errors import CompressError

_DESCRIPTOR = re.compile(r"/proc/(\d+)(?:/task/\d+)?/fd/(\d+)")
_LINKS = 40  # as the kernel follows
_READER_S = 10.0
"""How long a pipe without a reader is waited for."""


@contextmanager
def open_stream(path: Path) -> Iterator[int | None]:
    """Yield a descriptor to write to where `path` leads to something that must stay, None where it is a file or free.

    Raises:
        CompressError: a pipe that nothing reads.
        OSError: it cannot be opened for writing.
    """
    found = _opened(path)
    try:
        yield found
    finally:
        if found is not None:
            os.close(found)


def _opened(path: Path) -> int | None:
    own = _own_descriptor(path)
    if own is not None:
        # Opened again by its name, a file would be written from its start, over what was printed there before.
        if sys.stdout and not sys.stdout.closed:
            sys.stdout.flush()
        return os.dup(own)
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return None
    descriptor = _with_reader(path) if stat.S_ISFIFO(mode) else _for_writing(path)
    os.set_blocking(descriptor, True)
    return descriptor


def _for_writing(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK)


def _with_reader(path: Path) -> int:
    """A pipe's writing end. Opening it by waiting would be without end where nothing ever reads it."""
    end = time.monotonic() + _READER_S
    while True:
        try:
            return _for_writing(path)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
        if time.monotonic() >= end:
            raise CompressError(f"Nothing reads the pipe {path}. Start its reader first, or name a file.")
        time.sleep(0.05)


def _own_descriptor(path: Path) -> int | None:
    """The number of this process's open file that a path such as `/dev/fd/63` or `/dev/stdout` names, or None."""
    place = os.fspath(path)
    for _ in range(_LINKS):
        folder, name = os.path.split(place)
        place = os.path.join(os.path.realpath(folder), name)
        found = _DESCRIPTOR.fullmatch(place)
        if found:
            return int(found[2]) if int(found[1]) == os.getpid() else None
        if not os.path.islink(place):
            return None
        place = os.path.join(os.path.dirname(place), os.readlink(place))
    return None
