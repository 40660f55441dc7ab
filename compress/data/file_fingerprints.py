"""Fingerprints of files: the same wherever they lie, another where one was edited, and cheap for many.

Names, sizes, and bytes count: of annotations all, of an image its head, middle and tail, since an edit of a compressed
picture moves what follows. The result is kept by what the file system says of each file (size, times, inode), so that
a later call reads no content; files that changed a moment ago are read again, as their times may not show it.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from compress.core import FileError, Store, fingerprint
from compress.data.annotations import check_size
from compress.data.recorded_sequence import SequenceFiles
from compress.geometry import is_image

_VERSION = 2
"""Counts up with what a fingerprint is made of, and with how the files are read, since scores are kept by it."""
_BLOCK = 4096
_ANY = 2**22
"""Frames of a file that says not how many it has, such as a video; for the bound of its annotations."""
_BLOCKS = dict.fromkeys((".bmp", ".tif", ".tiff"), 64)
"""Blocks read of a file, evenly spread with head and tail among them: 3 of an image, and more of what is not
compressed, or holds many frames."""
_IMAGES = 100_000
"""Beyond so many images of a source, so many are read, evenly from all sequences; all are held to name and size."""
RECENT_NS = 3_000_000_000
"""Times of files have a resolution, of up to 2 s; within it, an edit may leave them as they are."""


class _File(NamedTuple):
    folder: str
    name: str
    status: os.stat_result


@dataclass(frozen=True)
class _Group:
    """Files that belong together; `labels` are read whole."""

    name: str
    images: Sequence[_File]
    labels: Sequence[_File] = ()

    @property
    def files(self) -> list[_File]:
        return [*self.images, *self.labels]


def recorded_fingerprint(listed: Sequence[SequenceFiles]) -> str:
    """Fingerprint of recorded sequences, wherever they lie.

    Names of sequences count where there are several, since they decide the order; names of folders of images do not.

    Returns:
        32 hexadecimal digits.

    Raises:
        FileError: a file that cannot be read, or is none.
    """

    def group(files: SequenceFiles) -> _Group:
        name = files.name if len(listed) > 1 else ""
        if files.boxes or files.first or files.stop is not None:
            name += f" {files.first} {files.stop} {files.boxes}"  # what the listing itself says of a sequence
        labels = sorted(_regular(_file(path)) for path in files.annotations)
        return _Group(name, _frames(files), labels)

    return _kept([group(files) for files in listed])


def files_fingerprint(files: Iterable[Path]) -> str:
    """Fingerprint of image files, in this order, by name and content: 32 hexadecimal digits.

    Raises:
        FileError: a file that cannot be read, or is none.
    """
    return _kept([_Group("", [_regular(_file(path)) for path in files])])


def _kept(groups: Sequence[_Group]) -> str:
    """The kept fingerprint of these files in their present state; read now where there is none, or they are too new."""
    now, digest, latest = time.time_ns(), hashlib.sha256(), 0
    for group in groups:
        lines = [group.name]
        for _, name, status in group.files:
            written, changed = status.st_mtime_ns, status.st_ctime_ns
            lines.append(f"{name} {status.st_size} {written} {changed} {status.st_dev} {status.st_ino}")
            latest = max(latest, written, changed)
        digest.update("\n".join(lines).encode(errors="surrogateescape"))
    if latest > now - RECENT_NS:
        return _read(groups)
    key = fingerprint([_VERSION, digest.hexdigest()])
    return Store().get("fingerprints", key, read=_known, make=lambda path: _write(path, _read(groups)), suffix=".txt")


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="ascii")


def _known(path: Path) -> str | None:
    text = path.read_bytes().decode("ascii", errors="replace")
    return text if re.fullmatch("[0-9a-f]{32}", text) else None


def _read(groups: Sequence[_Group]) -> str:
    images = sum(len(group.images) for group in groups)
    most = max(2, _IMAGES // len(groups)) if images > _IMAGES else images
    with ThreadPoolExecutor(min(8, len(groups))) as pool:  # for disks and networks that answer late
        digests = list(pool.map(lambda group: _digest(group, most), groups))
    return fingerprint([_VERSION, digests])


def _digest(group: _Group, most: int) -> str:
    digest = hashlib.sha256(group.name.encode(errors="surrogateescape"))
    sampled = _spread(len(group.images), most)
    for index, file in enumerate(group.images):
        digest.update(f"\n{file.name} {file.status.st_size} ".encode(errors="surrogateescape"))
        if index in sampled:
            _add(digest.update, file, _blocks(file.name))
    for file in group.labels:
        check_size(os.path.join(file.folder, file.name), file.status.st_size, len(group.images))
        digest.update(f"\n{file.name} {file.status.st_size} ".encode(errors="surrogateescape"))
        _add(digest.update, file, None)
    return digest.hexdigest()


def _blocks(name: str) -> int:
    return _BLOCKS.get(os.path.splitext(name)[1].lower(), 3 if is_image(name) else 64)


def _spread(count: int, most: int) -> Collection[int]:
    """At most `most` of `count` numbers, evenly, the first and the last among them."""
    if count <= most:
        return range(count)
    if most == 1:
        return {0}
    return {round(k * (count - 1) / (most - 1)) for k in range(most)}


def _add(update: Callable[[bytes], None], file: _File, blocks: int | None) -> None:
    """Some blocks of a file, or all of it where that is no more or `blocks` is None."""
    path, size = os.path.join(file.folder, file.name), file.status.st_size
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


def _listed(folder: Path, wanted: Callable[[str], bool]) -> list[_File]:
    place = str(folder)
    try:
        with os.scandir(folder) as entries:
            found = [_regular(_File(place, e.name, e.stat())) for e in entries if wanted(e.name) and not e.is_dir()]
    except OSError as error:
        raise FileError(f"Cannot list {error.filename or folder}: {error.strerror or error}.") from error
    return sorted(found)


def _frames(files: SequenceFiles) -> list[_File]:
    if files.frames:
        return [_regular(_file(files.images / name)) for name in files.frames[files.first : files.stop]]
    if not os.path.isdir(files.images):
        return [_regular(_file(files.images))]
    return _listed(files.images, is_image)


def _file(path: Path) -> _File:
    try:
        return _File(str(path.parent), path.name, path.stat())
    except OSError as error:
        raise FileError(f"Cannot read {path}: {error.strerror or error}.") from error


def _regular(file: _File) -> _File:
    if not stat.S_ISREG(file.status.st_mode):
        raise FileError(f"{os.path.join(file.folder, file.name)} is no regular file. Remove it from the data.")
    return file


def sampled_digest(files: SequenceFiles, names: Sequence[str], samples: int) -> str:
    """Digest of one of very many sequences, which are not all read.

    It is of the names of its frames, of its annotations whole or as far as they are in `files`, and of size, head,
    middle and tail of some frames, the first among them.

    Args:
        names: Its frames, where they are files in `files.images`; otherwise what lies there is what is read.
        samples: How many frames are looked into, evenly; 0 for none.

    Raises:
        FileError: a file that cannot be read, or is none.
    """
    if os.path.isdir(files.images):
        frames = names or [each.name for each in _listed(files.images, is_image)]
    else:
        names, frames = (), [""]
    digest = hashlib.sha256("\n".join(frames).encode(errors="surrogateescape"))
    if files.boxes:
        digest.update(repr(files.boxes).encode())
    for path in () if files.boxes else files.annotations:
        file = _regular(_file(path))
        check_size(path, file.status.st_size, len(frames) if names else _ANY)
        digest.update(f"\n{file.name} {file.status.st_size} ".encode(errors="surrogateescape"))
        _add(digest.update, file, None)
    for index in sorted(_spread(len(frames), samples)) if samples else ():
        file = _regular(_file(files.images / frames[index]))
        digest.update(f"\n{file.status.st_size} ".encode())
        _add(digest.update, file, _blocks(file.name))
    return digest.hexdigest()
