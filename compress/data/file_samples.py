"""Files as fingerprints take them: what the file system says of each, and a sample of its content."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection
from pathlib import Path
from typing import NamedTuple

from compress.core import FileError
from compress.geometry import is_image

_BLOCK = 4096
_BLOCKS = dict.fromkeys((".bmp", ".tif", ".tiff"), 64)
"""Blocks read of a file, evenly spread with head and tail among them: 3 of an image, and more of what is not
compressed, or holds many frames."""


class StatedFile(NamedTuple):
    """A regular file, and what the file system says of it."""

    folder: str
    name: str
    status: os.stat_result

    @property
    def path(self) -> str:
        """Where it lies."""
        return os.path.join(self.folder, self.name)


def stated_file(path: Path) -> StatedFile:
    """A file. Raises FileError where it is missing, or is no regular one."""
    try:
        return _regular(StatedFile(str(path.parent), path.name, path.stat()))
    except OSError as error:
        raise FileError(f"Cannot read {path}: {error.strerror or error}.") from error


def stated_images(folder: Path) -> list[StatedFile]:
    """The images of a folder, by name. Raises FileError where it cannot be listed, or one is no regular file."""
    place = str(folder)
    try:
        with os.scandir(folder) as entries:
            found = [StatedFile(place, e.name, e.stat()) for e in entries if is_image(e.name) and not e.is_dir()]
    except OSError as error:
        raise FileError(f"Cannot list {error.filename or folder}: {error.strerror or error}.") from error
    return sorted(map(_regular, found))


def _regular(file: StatedFile) -> StatedFile:
    if not stat.S_ISREG(file.status.st_mode):
        raise FileError(f"{file.path} is no regular file. Remove it from the data.")
    return file


def add_whole(update: Callable[[bytes], None], file: StatedFile) -> None:
    """Call `update` with all bytes of a file. Raises FileError."""
    _add(update, file, None)


def add_sample(update: Callable[[bytes], None], file: StatedFile) -> None:
    """Call `update` with some blocks of a file, head, middle and tail among them; or all of it, where that is no more.

    Raises:
        FileError: it cannot be read.
    """
    _add(update, file, _BLOCKS.get(os.path.splitext(file.name)[1].lower(), 3 if is_image(file.name) else 64))


def _add(update: Callable[[bytes], None], file: StatedFile, blocks: int | None) -> None:
    """So many blocks of a file; all of it where that is no more, or `blocks` is None."""
    path, size = file.path, file.status.st_size
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            if blocks is None or size <= (blocks + 1) * _BLOCK:
                update(os.pread(descriptor, size, 0))
                return
            for k in range(blocks):
                update(os.pread(descriptor, _BLOCK, k * (size - _BLOCK) // (blocks - 1)))
        finally:
            os.close(descriptor)
    except OSError as error:
        raise FileError(f"Cannot read {path}: {error.strerror or error}.") from error


def spread(count: int, most: int) -> Collection[int]:
    """At most `most` of `count` numbers, evenly, the first and the last among them."""
    if count <= most:
        return range(count)
    if most == 1:
        return {0}
    return {round(k * (count - 1) / (most - 1)) for k in range(most)}
