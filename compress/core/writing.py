"""Writing: either the old file or the whole new one, in the place that a path leads to.

A regular file is written beside itself and moved into place. What is no regular file (a device, a pipe, a terminal,
`/dev/stdout`) is written into and never replaced. Links are followed and stay. Nothing is written onto an input.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from compress.core.errors import CompressError
from compress.core.interrupts import deferred_interrupts
from compress.core.leftovers import ASIDE, is_temporary, remove_leftovers, temporary_folder
from compress.core.outputs import check_output
from compress.core.scratch import native_path, scratch_folder
from compress.core.streams import open_stream

Content = str | bytes
"""Text, written as UTF-8 with the line ends that it has, or bytes."""


def write_file(path: Path | str, content: Content, inputs: Iterable[Path | str] = ()) -> None:
    """Write a file whole or not at all; into what is there where it is no regular file.

    Args:
        inputs: Files that are read; see `check_output`.

    Raises:
        UsageError: `path` is an input, a folder or a disk.
        CompressError: it is a pipe that nothing reads.
        OSError: it cannot be written; the old file is as it was.
    """
    write_together({Path(path): content}, inputs)


def write_together(contents: Mapping[Path, Content], inputs: Iterable[Path | str] = ()) -> None:
    """Write files that belong together: all are written beside their places before the first is moved into it.

    Raises:
        UsageError, OSError: as `write_file`; no file has changed where one of them could not be written.
    """
    with ExitStack() as stack:
        outputs = _Outputs(list(inputs), stack)
        for path, content in contents.items():
            with _named(path):
                temporary = outputs.add(Path(path))
                temporary.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        outputs.finish()


@contextmanager
def writing(path: Path | str, inputs: Iterable[Path | str] = ()) -> Iterator[Path]:
    """Yield a temporary path with the suffix of `path`, for writers that want a name; it becomes `path` at the end.

    Where the block ends with an error, `path` is as it was. Raises UsageError and OSError as `write_file`; a place
    that cannot be written is known before the block begins.
    """
    with _named(path), ExitStack() as stack:
        outputs = _Outputs(list(inputs), stack)
        temporary = stack.enter_context(native_path(outputs.add(Path(path))))
        with _worded(path, temporary):
            yield temporary
        outputs.finish()


@contextmanager
def new_folder(path: Path | str) -> Iterator[Path]:
    """Yield a new folder beside `path` that takes its place when the block ends well, and is removed otherwise.

    What stands there is replaced whole; whether it may be is for the caller to check, within the block too. Raises
    OSError where the place cannot be written.
    """
    place = Path(os.path.realpath(path))
    with _named(path), _workplace(place.parent) as workplace:
        fresh, aside = workplace / "new", workplace / ASIDE / place.name
        fresh.mkdir()
        yield fresh
        for found in fresh.rglob("*"):
            if found.is_file():
                _to_disk(found)
        aside.parent.mkdir()
        with deferred_interrupts():
            _swap(fresh, place, aside)


@dataclass(frozen=True)
class _Output:
    """A file being written.

    Attributes:
        stream: A descriptor of what must stay where it is and is written into; None for a regular file.
    """

    place: Path
    temporary: Path
    stream: int | None

    def move(self) -> None:
        """Take the place of the old file, with its permissions."""
        _keep_mode(self.place, self.temporary)
        try:
            self.temporary.replace(self.place)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            shutil.copyfile(self.temporary, self.place)  # mounted there by itself, as into a container

    def copy(self, stream: int) -> None:
        """Write into what is there."""
        with self.temporary.open("rb") as source, os.fdopen(stream, "wb", closefd=False) as target:
            shutil.copyfileobj(source, target)


class _Outputs:
    """Files being written together, each in a temporary folder beside its place; one for all that go to one folder."""

    def __init__(self, inputs: Collection[Path | str], stack: ExitStack) -> None:
        self._inputs, self._stack = inputs, stack
        self._all: list[_Output] = []
        self._workplaces: dict[Path, Path] = {}

    def add(self, path: Path) -> Path:
        """Where to write what is to become `path`. Raises as `write_file`."""
        check_output(path, self._inputs)
        stream = self._stack.enter_context(open_stream(path))
        place = path if stream is not None else Path(os.path.realpath(path))
        if stream is None and place.exists() and not os.access(place, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        folder = self._folder(place) if stream is None else self._stack.enter_context(scratch_folder())
        # Short and ASCII whatever it becomes: names have a greatest length, and native libraries know only UTF-8.
        temporary = folder / f"{len(self._all)}{place.suffix if place.suffix.isascii() else ''}"
        temporary.touch(exist_ok=False)  # as readable as the umask lets it be; its writer may want less
        self._all.append(_Output(place, temporary, stream))
        return temporary

    def _folder(self, place: Path) -> Path:
        if place.parent not in self._workplaces:
            self._workplaces[place.parent] = self._stack.enter_context(_workplace(place.parent))
        return self._workplaces[place.parent]

    def finish(self) -> None:
        """Put all into their places; streams last, since they cannot be taken back."""
        files = [output for output in self._all if output.stream is None]
        for output in files:
            _to_disk(output.temporary)  # moving them cannot fail for lack of space then
        with deferred_interrupts():
            for output in files:
                output.move()
        for output in self._all:
            if output.stream is not None:
                output.copy(output.stream)


@contextmanager
def _workplace(folder: Path) -> Iterator[Path]:
    """A temporary folder in `folder`, which is made, and freed of what earlier processes left."""
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder, again=False)
    with temporary_folder(folder) as made:
        yield made


@contextmanager
def _named(path: Path | str) -> Iterator[None]:
    """Errors that name a temporary file, or that a disk is full and not where, name `path`, which the user knows."""
    try:
        yield
    except OSError as error:
        name = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
        full = not name and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        if full or any(is_temporary(part) for part in Path(name).parts):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


@contextmanager
def _worded(path: Path | str, temporary: Path) -> Iterator[None]:
    """Likewise errors of this package, in their words, of a writer that was given the temporary file."""
    try:
        yield
    except CompressError as error:
        words = str(error).replace(str(temporary), str(path))
        if words == str(error):
            raise
        raise type(error)(words) from error


def _to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _keep_mode(place: Path, temporary: Path) -> None:
    with suppress(OSError):  # no old file, or one of another owner
        old = place.stat()
        os.chmod(temporary, stat.S_IMODE(old.st_mode) & 0o777)
        os.chown(temporary, old.st_uid, old.st_gid)


def _swap(fresh: Path, place: Path, aside: Path) -> None:
    if os.path.lexists(place):
        place.rename(aside)
    try:
        fresh.rename(place)
    except BaseException:
        if os.path.lexists(aside):
            aside.rename(place)
        raise
