"""Listing sequences without opening them: list files, folders in folders, and the split at the end of a location.

List files are not trusted: a name in one that leads out of its folder is refused.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from compress.core import FileError, UsageError, unknown_name
from compress.core.opening import read_bounded
from compress.core.text import printable

_LIST_BYTES = 2**24
"""A list file may have so many; 30,000 names of TrackingNet take 0.5 MB."""
_SPLIT = re.compile(r"[\w-]+")


def split_location(location: str, splits: Iterable[str], prefix: str) -> tuple[str, str]:
    """The path and the split of `PATH[:SPLIT]`; the split is empty where none is given.

    What follows the last colon is a split where it is one of `splits`, so a path that ends in such a word is written
    with a split of its own, or with a slash behind it. Everything else belongs to the path.

    Args:
        splits: The names that a reader knows.
        prefix: The reader's, for messages.

    Raises:
        UsageError: what follows the last colon is no split though what stands before it is a folder; with close
            matches.
    """
    known = list(splits)
    path, colon, last = location.rpartition(":")
    if not colon or not known:
        return location, ""
    if last in known:
        return path, last
    if _SPLIT.fullmatch(last) and os.path.isdir(path) and not os.path.exists(location):
        raise unknown_name(f"split of {prefix}:{path}", last, known)
    return location, ""


def read_names(path: Path) -> list[str]:
    """The names that a list file holds, one a line, in its order; empty lines are skipped, and repetitions.

    Raises:
        FileError: it is missing, too large or no text, or a name in it leads out of its folder.
    """
    data = read_bounded(path, "list of sequences", _LIST_BYTES, advice="Download it again, or write one name a line.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(f"Cannot read {path} as text: {error}. Write it anew, one name a line.") from error
    found = dict.fromkeys(line.strip() for line in re.split(r"\r\n|\r|\n", text) if line.strip())
    for name in found:
        if not is_inner(name):
            raise FileError(
                f"{path} names {printable(name, most=60)!r}, which leads out of its folder. Each line must be the "
                "name of a sequence."
            )
    return list(found)


def is_inner(name: str) -> bool:
    """Whether a name from a file, joined to a folder, stays in it: relative, without `..`, `\\` and null characters."""
    parts = name.split("/")
    return any(part not in ("", ".") for part in parts) and not (
        name.startswith("/") or ".." in parts or "\0" in name or "\\" in name
    )


def inner_folders(folder: Path, wanted: Callable[[str], bool] = lambda name: True) -> list[Path]:
    """The folders in a folder, in the order of their names; hidden ones are left out, and links are followed.

    Args:
        wanted: By name.

    Raises:
        FileError: it is missing, or cannot be listed.
    """
    return _inner(folder, lambda entry: wanted(entry.name) and entry.is_dir())


def inner_files(folder: Path, wanted: Callable[[str], bool] = lambda name: True) -> list[Path]:
    """The files in a folder, in the order of their names; hidden ones are left out, and links are followed.

    Args:
        wanted: By name.

    Raises:
        FileError: it is missing, or cannot be listed.
    """
    return _inner(folder, lambda entry: wanted(entry.name) and not entry.is_dir())


def _inner(folder: Path, wanted: Callable[[os.DirEntry[str]], bool]) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            found = [entry.name for entry in entries if not entry.name.startswith(".") and wanted(entry)]
    except OSError as error:
        place = error.filename or folder  # a link in it may lead nowhere
        raise FileError(f"Cannot list {place}: {error.strerror or error}. Check the path.") from error
    return [folder / name for name in sorted(found)]


def existing(folder: Path, names: Iterable[str]) -> tuple[Path, ...]:
    """Those of the files `names` that a folder has, in this order."""
    return tuple(path for name in names if os.path.exists(path := folder / name))


def none_found(path: Path, wanted: str, split: str = "") -> FileError:
    """The error for a source in which no sequence was found; `wanted` says what its layout must be."""
    return FileError(f"{path} holds no sequence{f' of the split {split!r}' if split else ''}. Wanted: {wanted}.")


def no_path(form: str, prefix: str) -> UsageError:
    """The error for a source without a path."""
    return UsageError(f"Data must be {form!r}, with a path, but {prefix + ':'!r} came.")
