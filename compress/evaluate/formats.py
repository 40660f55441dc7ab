"""Files of results as evaluation servers and toolkits take them.

A format is added from outside by one registration, and then serves `compress evaluate --format NAME`:

    FORMATS.register("mine", TextFormat("{name}.csv", separator=";"))
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray

from compress.core import Registry, UsageError
from compress.core.text import printable
from compress.core.writing import writing

ARCHIVE = "submission.zip"


class ResultFormat(Protocol):
    """Says which files the boxes of a sequence become.

    Attributes:
        summary: Who takes them, in a few words.
        zipped: Whether a server wants all of them in one zip file.
    """

    @property
    def summary(self) -> str: ...

    @property
    def zipped(self) -> bool: ...

    def paths(self, name: str) -> list[str]:
        """The files of a sequence of this name, relative to the folder of results."""
        ...

    def contents(self, name: str, boxes: NDArray[np.float64], times: NDArray[np.float64]) -> Mapping[str, str]:
        """Their text by path.

        Args:
            boxes: (n, 4) x, y, w, h in pixels, as in the data's own files; the first row is the true box.
            times: (n,) seconds for each frame.
        """
        ...


FORMATS = Registry[ResultFormat]("format of result files")


@dataclass(frozen=True)
class TextFormat:
    """A line for each frame.

    Args:
        boxes, times: Paths with `{name}` in the place of the sequence's name; no times where that is empty.
        decimals: Of coordinates; None cuts them to whole numbers, as pytracking does.
        first: The line of the first frame, where that is no box.
    """

    summary: str
    boxes: str
    times: str = ""
    separator: str = ","
    decimals: int | None = 4
    first: str = ""
    zipped: bool = False

    def paths(self, name: str) -> list[str]:
        """See `ResultFormat`."""
        return [pattern.format(name=name) for pattern in (self.boxes, self.times) if pattern]

    def contents(self, name: str, boxes: NDArray[np.float64], times: NDArray[np.float64]) -> Mapping[str, str]:
        """See `ResultFormat`."""
        lines = [self.separator.join(map(self._number, box)) for box in boxes.tolist()]
        texts = [[self.first, *lines[1:]] if self.first else lines, [f"{seconds:.8f}" for seconds in times.tolist()]]
        return {path: "\n".join(text) + "\n" for path, text in zip(self.paths(name), texts, strict=False)}

    def _number(self, value: float) -> str:
        return str(int(value)) if self.decimals is None else f"{value:.{self.decimals}f}"


FORMATS.register("lasot", TextFormat("x,y,w,h a line: LaSOT's and most toolkits", "{name}.txt"))
FORMATS.register("got10k", TextFormat("a folder for each sequence, and a zip file: the GOT-10k toolkit and server",
    "{name}/{name}_001.txt", "{name}/{name}_time.txt", decimals=3, zipped=True,
))  # fmt: skip
FORMATS.register("trackingnet", TextFormat("x,y,w,h a line, and a zip file: TrackingNet's server", "{name}.txt",
    zipped=True,
))  # fmt: skip
FORMATS.register("pytracking", TextFormat("whole pixels and tabs: pytracking, and the trackers built on it",
    "{name}.txt", "{name}_time.txt", separator="\t", decimals=None,
))  # fmt: skip
FORMATS.register("vot", TextFormat("the VOT toolkit's experiment `unsupervised`, without resets",
    "unsupervised/{name}/{name}_001.txt", "unsupervised/{name}/{name}_001_time.value", first="1",
))  # fmt: skip


def check_names(names: Iterable[str], file_format: ResultFormat, folder: Path) -> list[Path]:
    """The files in which results of sequences of these names will be.

    Raises:
        UsageError: a name cannot be a file name, or could lead out of the folder; or two names share a file.
    """
    owners: dict[str, str] = {}
    found: list[Path] = []
    for name in names:
        if name.startswith(".") or not name or not name.isprintable() or any(c in name for c in "/\\:\0"):
            raise UsageError(f"The sequence name {name!r} cannot be a file name. Rename the sequence.")
        for path in file_format.paths(name):
            found.append(folder / path)
            owner = owners.setdefault(path.casefold(), name)  # some file systems take a and A for one
            if owner != name:
                raise UsageError(
                    f"The sequences {printable(owner)} and {printable(name)} would share the file {path}. Rename one, "
                    "or give another --format."
                )
    return found


def write_archive(folder: Path, paths: Iterable[Path]) -> Path:
    """All files of results in one zip file in the folder, in this order and under their paths in it.

    Raises:
        OSError: a file is missing, or the place cannot be written.
    """
    with writing(folder / ARCHIVE) as temporary, ZipFile(temporary, "w", ZIP_DEFLATED) as archive:
        for path in paths:
            entry = ZipInfo(str(PurePosixPath(os.path.relpath(path, folder))))  # the same time for all: equal zip files
            entry.compress_type, entry.external_attr = ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, path.read_bytes())
    return folder / ARCHIVE
