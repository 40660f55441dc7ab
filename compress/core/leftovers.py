"""Temporary folders beside what is made in them: named for their process, locked while it lives.

A process that is killed cannot remove what it was writing. The next one that writes to the same folder can, since the
lock on a temporary folder ends with the process that holds it, whatever its number and whatever container it ran in.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_TEMPORARY = re.compile(r"\.compress-\d+-[0-9a-f]{12}\.partial")

ASIDE = "old"
"""In the folder of a `temporary_folder`: holds what stood in the place of the new one, under its own name."""

_cleaned: set[str] = set()


@contextmanager
def temporary_folder(folder: Path) -> Iterator[Path]:
    """Yield a new, locked folder in `folder`; removed with what it holds when the block ends."""
    name = f".compress-{os.getpid()}-{secrets.token_hex(6)}"
    path, unlocked = folder / f"{name}.partial", folder / f"{name}.new"
    unlocked.mkdir(0o700)
    descriptor = os.open(unlocked, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _lock(descriptor)
        unlocked.rename(path)  # under this name it is looked for, so it is locked before
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(descriptor)


def remove_leftovers(folder: Path, *, again: bool = True) -> list[Path]:
    """Remove the temporary folders in `folder` whose processes are gone; what was put aside is put back.

    Args:
        again: Also where this process has looked before; a first look finds what earlier processes left.

    Returns:
        What was removed. A folder that cannot be read or changed keeps what it has.
    """
    key = os.path.abspath(folder)
    if key in _cleaned and not again:
        return []
    _cleaned.add(key)
    with suppress(OSError):
        return [path for path in _temporaries(folder) if _removed(path)]
    return []


def is_temporary(name: str) -> bool:
    """Whether a folder of this name is one that `temporary_folder` makes."""
    return _TEMPORARY.fullmatch(name) is not None


def _lock(descriptor: int) -> None:
    with suppress(OSError):  # some network file systems have no locks; what is left there stays
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _temporaries(folder: Path) -> list[Path]:
    with os.scandir(folder) as entries:
        return [Path(entry.path) for entry in entries if is_temporary(entry.name)]


def _removed(path: Path) -> bool:
    """Whether it was left by a process that is gone, and is removed now."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not _is_ours(os.fstat(descriptor)):
            return False
        _remove(path)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return not path.exists()


def _is_ours(found: os.stat_result) -> bool:
    """Whether nobody else has made it or can change it: in a shared folder, others could lead the removal astray."""
    return found.st_uid == os.geteuid() and not found.st_mode & 0o022


def _remove(path: Path) -> None:
    aside = path / ASIDE
    for old in sorted(aside.iterdir()) if aside.is_dir() and not aside.is_symlink() else ():
        if not os.path.lexists(path.parent / old.name):
            old.rename(path.parent / old.name)  # killed between putting the old one aside and the new one in place
    shutil.rmtree(path)
