"""Writing: either the old file or the whole new one, in the place that a path leads to.

A regular file is written beside itself and moved into place. What is no regular file (a device, a pipe, a terminal,
`/dev/stdout`) is written into and never replaced. Links are followed and stay. Nothing is written onto an input.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from compress.core.interrupts import deferred_interrupts
from compress.core.leftovers import ASIDE, is_temporary, remove_leftovers, temporary_file, temporary_folder
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
    checked = list(inputs)
    with ExitStack() as stack:
        outputs = [stack.enter_context(_output(Path(path), checked)) for path in contents]
        for output, content in zip(outputs, contents.values(), strict=True):
            output.temporary.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        _finish(outputs)


@contextmanager
def writing(path: Path | str, inputs: Iterable[Path | str] = ()) -> Iterator[Path]:
    """Yield a temporary path with the suffix of `path`, for writers that want a name; it becomes `path` at the end.

    Where the block ends with an error, `path` is as it was. Raises UsageError and OSError as `write_file`; a place
    that cannot be written is known before the block begins.
    """
    with _output(Path(path), inputs) as output:
        yield output.temporary
        _finish([output])


@contextmanager
def new_folder(path: Path | str) -> Iterator[Path]:
    """Yield a new folder beside `path` that takes its place when the block ends well, and is removed otherwise.

    What stands there is replaced whole; whether it may be is for the caller to check, within the block too. Raises
    OSError where the place cannot be written.
    """
    place = Path(os.path.realpath(path))
    with _beside(place, path), temporary_folder(place.parent) as workplace:
        fresh, aside = workplace / "new", workplace / ASIDE / place.name
        fresh.mkdir()
        yield fresh
        for found in fresh.rglob("*"):
            if found.is_file():
                _to_disk(found)
        aside.parent.mkdir()
        with deferred_interrupts():
            _swap(fresh, place, aside)


class _Output:
    """A file being written: its place, its temporary path, and how it gets from there to its place.

    Args:
        stream: A descriptor of what must stay where it is and is written into; None for regular files.
    """

    def __init__(self, place: Path, temporary: Path, stream: int | None) -> None:
        self.place, self.temporary, self.stream = place, temporary, stream

    def move(self) -> None:
        """Take the place of the old file, with its permissions."""
        temporary = os.path.realpath(self.temporary)
        _keep_mode(self.place, temporary)
        try:
            os.replace(temporary, self.place)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            shutil.copyfile(temporary, self.place)  # mounted there by itself, as into a container

    def copy(self, stream: int) -> None:
        """Write into what is there."""
        with self.temporary.open("rb") as source, os.fdopen(stream, "wb", closefd=False) as target:
            shutil.copyfileobj(source, target)


@contextmanager
def _output(path: Path, inputs: Iterable[Path | str]) -> Iterator[_Output]:
    check_output(path, inputs)
    with open_stream(path) as stream:
        if stream is not None:
            with scratch_folder() as folder:
                yield _Output(path, folder / f"output{path.suffix}", stream)
            return
        place = Path(os.path.realpath(path))
        if place.exists() and not os.access(place, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        beside = temporary_file(place.parent, place.suffix)
        with _beside(place, path), beside as made, native_path(made) as temporary:
            yield _Output(place, temporary, None)


def _finish(outputs: Iterable[_Output]) -> None:
    files = [output for output in outputs if output.stream is None]
    for output in files:
        _to_disk(output.temporary)  # moving them cannot fail for lack of space then
    with deferred_interrupts():
        for output in files:
            output.move()
    for output in outputs:
        if output.stream is not None:
            output.copy(output.stream)


@contextmanager
def _beside(place: Path, path: Path | str) -> Iterator[None]:
    """Prepare the folder of `place`; errors that name a temporary file there name `path`, which the user knows."""
    place.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(place.parent, again=False)
    try:
        yield
    except OSError as error:
        if isinstance(error.filename, str) and is_temporary(os.path.basename(error.filename)):
            raise type(error)(error.errno, error.strerror, str(path)) from error
        raise


def _to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _keep_mode(place: Path, temporary: str) -> None:
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
