"""The folder of an evaluation's results: files of each sequence as it ends, and figures of all of them at the end.

The record of a sequence that has ended is written after its files: a sequence without one is followed again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Sequence as Items
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from compress.core import AnySpec, CompressError, FileError, UsageError
from compress.core.locks import locked
from compress.core.writing import write_file, write_together
from compress.data import Sequence
from compress.evaluate.earlier_results import SUMMARY, Identity, begin, is_of_an_older_version, record_file
from compress.evaluate.following import Run
from compress.evaluate.formats import ARCHIVE, ResultFormat, check_names, write_archive
from compress.evaluate.own_files import STATE, keep_own_files, own_files, remove_files
from compress.evaluate.run_files import read_run, run_text

_FIGURES = (SUMMARY, "summary.csv", "metrics.csv", "attributes.csv")
"""Files about all sequences that are written beside curves."""


class ResultFolder:
    """A folder that this process writes results to; see `open_results`."""

    def __init__(self, path: Path, file_format: ResultFormat, first_pixel: int) -> None:
        self.path, self._format = path, file_format
        self._origin = np.array([first_pixel, first_pixel, 0.0, 0.0])

    def kept(self, sequences: Items[Sequence], spec: AnySpec) -> dict[int, Run]:
        """The runs of sequences that had ended before, by position; their files of results are there then.

        Raises:
            FileError: a record is damaged, or files cannot be written.
        """
        found: dict[int, Run] = {}
        for index, sequence in enumerate(sequences):
            if (record := record_file(self.path, sequence.name)).exists():
                found[index] = run = read_run(record, len(sequence), spec)
                self._write_files(sequence.name, run)  # those that are there may be of another format
        return found

    def add(self, name: str, run: Run) -> None:
        """Write the files of a sequence that has ended, and then its record, each whole or not at all.

        Raises:
            FileError: the folder cannot be written to.
        """
        self._write_files(name, run)
        with _explained(self.path):
            write_file(record_file(self.path, name), run_text(run))

    def finish(self, names: Iterable[str], files: Mapping[str, str]) -> list[Path]:
        """Write what belongs to all sequences: the zip file where the format has one, then files by name.

        Returns:
            All files that were written here.

        Raises:
            FileError: the folder cannot be written to.
        """
        written = [self.path / name for name in files]
        with _explained(self.path):
            if self._format.zipped:
                written.append(write_archive(self.path, check_names(names, self._format, self.path)))
            own, new = own_files(self.path), tuple(files)
            keep_own_files(self.path, replace(own, figures=tuple(dict.fromkeys((*own.figures, *new)))))
            write_together({self.path / name: text for name, text in files.items()})
            remove_files(self.path, {*own.figures} - {*new})  # such as curves that another convention has
            keep_own_files(self.path, replace(own, figures=new))
        return written

    def _write_files(self, name: str, run: Run) -> None:
        contents = self._format.contents(name, run.boxes + self._origin, run.times)
        with _explained(self.path):
            write_together({self.path / path: text for path, text in contents.items()})


@contextmanager
def open_results(
    path: Path,
    identity: Identity,
    names: Items[str],
    file_format: ResultFormat,
    *,
    resume: bool = False,
    first_pixel: int = 0,
) -> Iterator[ResultFolder]:
    """Hold a folder for the results of sequences of these names.

    Args:
        resume: Keep the sequences that an earlier evaluation of the same has ended with.
        first_pixel: What the data set's own files, and so its toolkits, call the first pixel; boxes here begin at 0.

    Raises:
        UsageError: see `check_results`; results of another evaluation are to be kept, or an evaluation that has not
            ended is in the way.
        CompressError: another process writes to it.
        FileError: it cannot be written to, or what it says of an earlier evaluation is damaged.
    """
    wanted = check_results(names, path, file_format)
    with ExitStack() as stack:
        with _explained(path):
            stack.enter_context(_alone(path))
            begin(path, identity, wanted, resume=resume)
        yield ResultFolder(path, file_format, first_pixel)


def check_results(names: Iterable[str], folder: Path, file_format: ResultFormat) -> list[str]:
    """Whether results of sequences of these names may be written to a folder.

    Returns:
        The files that they will be in, the zip file among them, relative to the folder.

    Raises:
        UsageError: as `check_names`; or files of these names are there and no results of an earlier evaluation, such
            as the annotations of a data set; or results of a version that does not say which files are theirs.
    """
    wanted = [path.relative_to(folder).as_posix() for path in check_names(names, file_format, folder)]
    wanted += [ARCHIVE] if file_format.zipped else []
    if is_of_an_older_version(folder):
        raise UsageError(
            f"{folder} holds results of an older version of compress, of which nothing says which files are theirs. "
            "Give another folder with --results, or remove this one."
        )
    own = own_files(folder).all
    for path in (*wanted, *_FIGURES):
        if path not in own and os.path.lexists(folder / path):
            raise UsageError(
                f"{folder / path} is there already, and no result of an earlier evaluation, so it is not replaced. "
                "Give another folder with --results."
            )
    return wanted


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the folder; the lock goes with the process, however it ends."""
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(path / STATE / "lock", wait=False))
        except BlockingIOError as error:
            raise CompressError(
                f"Another process writes results to {path} now. Wait for it, or give another folder with --results."
            ) from error
        yield


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FileError(f"Cannot write results to {path}: {error.strerror or error}. Give another folder.") from error
