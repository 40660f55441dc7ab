"""Temporary files elsewhere: a folder for them, and names that native libraries can take."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from compress.core.errors import CompressError
from compress.core.leftovers import remove_leftovers, temporary_folder


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield a new folder among the system's temporary files, removed when the block ends.

    Raises:
        CompressError: there is no place for temporary files.
    """
    try:
        folder = Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        raise CompressError(
            "There is no folder for temporary files that can be written to. Name one by the variable TMPDIR."
        ) from error
    remove_leftovers(folder, again=False)
    with temporary_folder(folder) as made:
        yield made


@contextmanager
def native_path(path: Path) -> Iterator[Path]:
    """Yield a path to the same file that libraries in other languages can open: one in UTF-8.

    File names in Linux are bytes. Python keeps those that are no UTF-8 as surrogates, on which native libraries fail
    or crash; they get a link, under a name with the same suffix.

    Raises:
        CompressError: there is no place for a link.
    """
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        with scratch_folder() as folder:
            link = folder / f"file{path.suffix if path.suffix.isascii() else ''}"
            link.symlink_to(path.absolute())
            yield link
    else:
        yield path
