"""Which files of a folder are an evaluation's own: listed in `.compress/files.json` before they are written.

Others are never replaced, and never removed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from compress.core.plain_files import load_plain
from compress.core.text import printable
from compress.core.writing import write_file
from compress.data.listing import is_inner

STATE = ".compress"
"""The folder of what is kept beside results."""
_BYTES = 50_000_000
"""Paths of 100,000 sequences, more than any data set has, take 10 MB."""


@dataclass(frozen=True)
class OwnFiles:
    """Paths, relative to the folder of results, of what an evaluation writes or has written there.

    Attributes:
        results: Files of sequences, and the zip file of them.
        figures: Files about all sequences.
    """

    results: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()

    def problems(self) -> Iterator[str]:
        """Paths that lead out of the folder, or to what this module keeps."""
        for path in (*self.results, *self.figures):
            if not is_inner(path) or path.split("/")[0] == STATE:
                yield f"names {printable(path, most=60)!r}, which is no file of results"

    @property
    def all(self) -> frozenset[str]:
        """Of both kinds."""
        return frozenset((*self.results, *self.figures))


def own_files(folder: Path) -> OwnFiles:
    """Those of the evaluation that a folder holds; none where it holds none. Raises FileError where it is damaged."""
    place = folder / STATE / "files.json"
    if not place.exists():
        return OwnFiles()
    return load_plain(OwnFiles, place, "list of files of results", where="files", most=_BYTES)


def keep_own_files(folder: Path, own: OwnFiles) -> None:
    """Note them down, before they are written. Raises OSError."""
    write_file(folder / STATE / "files.json", json.dumps(asdict(own)) + "\n")


def remove_files(folder: Path, paths: Iterable[str]) -> None:
    """Remove files, where they are there and lie in the folder, and the folders in it that are empty then.

    Raises:
        OSError: one cannot be removed.
    """
    root = os.path.realpath(folder)
    for path in paths:
        place = folder / path
        if not Path(os.path.realpath(place.parent)).is_relative_to(root):
            continue
        place.unlink(missing_ok=True)
        for parent in place.relative_to(folder).parents[:-1]:
            if not (folder / parent).is_dir() or os.listdir(folder / parent):
                break
            (folder / parent).rmdir()
