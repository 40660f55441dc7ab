"""Fingerprints of files: the same wherever they lie, another where one was edited, and cheap for many.

Names, sizes, and bytes count: of annotations all, of an image its head, middle and tail, since an edit of a compressed
picture moves what follows. The result is kept by what the file system says of each file (size, times, inode), so that
a later call reads no content; files that changed a moment ago are read again, as their times may not show it.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from compress.core import Store, fingerprint
from compress.data.annotation_text import check_size
from compress.data.file_samples import StatedFile, add_sample, add_whole, spread, stated_file, stated_images
from compress.data.recorded_sequence import SequenceFiles

_VERSION = 2
"""Counts up with what a fingerprint is made of, and with how the files are read, since scores are kept by it."""
_ANY = 2**22
"""Frames of a file that says not how many it has, such as a video; for the bound of its annotations."""
_IMAGES = 100_000
"""Beyond so many images of a source, so many are read, evenly from all sequences; all are held to name and size."""
RECENT_NS = 3_000_000_000
"""Times of files have a resolution, of up to 2 s; within it, an edit may leave them as they are."""


@dataclass(frozen=True)
class _Group:
    """Files that belong together; `labels` are read whole."""

    name: str
    images: Sequence[StatedFile]
    labels: Sequence[StatedFile] = ()

    @property
    def files(self) -> list[StatedFile]:
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
        labels = sorted(stated_file(path) for path in files.annotations)
        return _Group(name, _frames(files), labels)

    return _kept([group(files) for files in listed])


def files_fingerprint(files: Iterable[Path]) -> str:
    """Fingerprint of image files, in this order, by name and content: 32 hexadecimal digits.

    Raises:
        FileError: a file that cannot be read, or is none.
    """
    return _kept([_Group("", [stated_file(path) for path in files])])


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
    sampled = spread(len(group.images), most)
    for index, file in enumerate(group.images):
        digest.update(f"\n{file.name} {file.status.st_size} ".encode(errors="surrogateescape"))
        if index in sampled:
            add_sample(digest.update, file)
    for file in group.labels:
        check_size(file.path, file.status.st_size, len(group.images))
        digest.update(f"\n{file.name} {file.status.st_size} ".encode(errors="surrogateescape"))
        add_whole(digest.update, file)
    return digest.hexdigest()


def _frames(files: SequenceFiles) -> list[StatedFile]:
    if files.frames:
        return [stated_file(files.images / name) for name in files.frames[files.first : files.stop]]
    if not os.path.isdir(files.images):
        return [stated_file(files.images)]
    return stated_images(files.images)


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
        frames = names or [each.name for each in stated_images(files.images)]
    else:
        names, frames = (), [""]
    digest = hashlib.sha256("\n".join(frames).encode(errors="surrogateescape"))
    if files.boxes:
        digest.update(repr(files.boxes).encode())
    for path in () if files.boxes else files.annotations:
        file = stated_file(path)
        check_size(path, file.status.st_size, len(frames) if names else _ANY)
        digest.update(f"\n{file.name} {file.status.st_size} ".encode(errors="surrogateescape"))
        add_whole(digest.update, file)
    for index in sorted(spread(len(frames), samples)) if samples else ():
        file = stated_file(files.images / frames[index])
        digest.update(f"\n{file.status.st_size} ".encode())
        add_sample(digest.update, file)
    return digest.hexdigest()
