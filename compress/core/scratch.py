"""Temporary files elsewhere: a folder for them, and names that native libraries can take."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from compress.core.errors import CompressError
from compress.core.leftovers import remove_leftovers, temporary_folder

_USUAL = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))
"""Where the folder that the surroundings name cannot be used."""


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield a new folder among the system's temporary files, removed when the block ends.

    Raises:
        CompressError: there is no place for temporary files.
    """
    folder = next(filter(_is_usable, [*_named(), *_USUAL]), None)
    if folder is None:
        raise CompressError(
            "There is no folder for temporary files that can be written to and has a name in UTF-8. Name one by the "
            "variable TMPDIR."
        )
    remove_leftovers(folder, again=False)
    with temporary_folder(folder) as made:
        yield made


def _named() -> list[Path]:
    try:
        return [Path(tempfile.gettempdir())]
    except FileNotFoundError:
        return []


def _is_usable(folder: Path) -> bool:
    """Whether native libraries can take paths in it, and files can be made there."""
    return _is_utf8(folder) and os.access(folder, os.W_OK | os.X_OK)


def _is_utf8(path: Path) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in str(path))


@contextmanager
def native_path(path: Path) -> Iterator[Path]:
    """Yield a path to the same file that libraries in other languages can open: one in UTF-8.

    File names in Linux are bytes. Python keeps those that are no UTF-8 as surrogates, on which native libraries fail
    or crash; they get a link, under a name with the same suffix.

    Raises:
        CompressError: there is no place for a link.
    """
    if _is_utf8(path):
        yield path
        return
    with scratch_folder() as folder:
        link = folder / f"file{path.suffix if path.suffix.isascii() else ''}"
        link.symlink_to(path.absolute())
        yield link
