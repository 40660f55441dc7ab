"""Whether a path may be written to: no folder, no disk, nothing that is read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from compress.core.errors import UsageError


def check_output(path: Path | str, inputs: Iterable[Path | str] = ()) -> None:
    """Raises UsageError where `path` is a folder, a disk or one of `inputs`, by its name, a link or a second name.

    Args:
        inputs: Files that are read. Of a folder that is read, name the files.
    """
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return  # so it is nothing that is read
    if stat.S_ISDIR(found.st_mode):
        raise UsageError(f"{path} is a folder, but a file is written there. Name a file in it.")
    if stat.S_ISBLK(found.st_mode):
        raise UsageError(f"{path} is a disk or a part of one and would be overwritten. Name a file.")
    if stat.S_ISREG(found.st_mode) and (read := _same(found, inputs)) is not None:
        raise UsageError(f"{path} is read as an input ({read}) and would be overwritten. Choose another name.")


def is_same(path: Path | str, other: Path | str) -> bool:
    """Whether both lead to one place: by their names, by links, or as two names of one file."""
    try:
        return os.path.samefile(path, other)
    except FileNotFoundError:
        return os.path.realpath(path) == os.path.realpath(other)


def _same(found: os.stat_result, inputs: Iterable[Path | str]) -> Path | str | None:
    for each in inputs:
        with suppress(OSError):  # an input that is not there is for its reader to report
            if os.path.samestat(found, os.stat(each)):
                return each
    return None
