"""The folder of an evaluation's results: files of each sequence as it ends, and what a stopped evaluation goes on from.

Beside the files of results, `.compress/` holds what the evaluation was of (`evaluation.json`) and a record of each
sequence that has ended (`run_files`). The record is written last: a sequence without one is followed again.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Sequence as Items
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from compress.core import CompressError, FileError, TrackerSpec, UsageError, fingerprint
from compress.core.locks import locked
from compress.core.plain_files import load_plain
from compress.core.writing import write_file, write_together
from compress.data import DataSource, Sequence
from compress.evaluate.following import Run
from compress.evaluate.formats import ResultFormat, check_names, write_archive
from compress.evaluate.run_files import read_run, run_text
from compress.evaluate.trackers import EvaluatedTracker

SUMMARY = "summary.json"
_STATE = ".compress"
_VERSION = 1
"""Counts up with what boxes depend on beside what an identity names."""


@dataclass(frozen=True)
class Identity:
    """What the boxes of an evaluation depend on; kept beside them, so that those of another are not taken for them.

    Attributes:
        tracker: The spec's id.
        weights: Of their content.
        runtime: What ran the network.
        loop: Of the constants of the frame loop, such as the update interval.
        data: The source's fingerprint.
    """

    tracker: str
    weights: str
    runtime: str
    loop: str
    data: str
    version: int = _VERSION

    @classmethod
    def of(cls, tracker: EvaluatedTracker, source: DataSource) -> Identity:
        """Raises FileError where the source cannot be read."""
        loop = fingerprint(tracker.settings)
        return cls(tracker.spec.id, tracker.weights, tracker.runtime, loop, source.fingerprint)

    def differences(self, other: Identity) -> list[str]:
        """What is another, in words."""
        words = {
            "tracker": "another tracker",
            "weights": "other weights",
            "runtime": "another runtime",
            "loop": "another update interval or constant of the frame loop",
            "data": "other data",
            "version": "another version of compress",
        }
        return [words[f.name] for f in fields(self) if getattr(self, f.name) != getattr(other, f.name)]


class ResultFolder:
    """A folder that this process writes results to; see `open_results`."""

    def __init__(self, path: Path, file_format: ResultFormat, first_pixel: int) -> None:
        self.path, self._format = path, file_format
        self._origin = np.array([first_pixel, first_pixel, 0.0, 0.0])

    def kept(self, sequences: Items[Sequence], spec: TrackerSpec) -> dict[int, Run]:
        """The runs of sequences that had ended before, by position; their files of results are there then.

        Raises:
            FileError: a record is damaged, or files cannot be written.
        """
        found: dict[int, Run] = {}
        for index, sequence in enumerate(sequences):
            if (record := _record(self.path, sequence.name)).exists():
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
            write_file(_record(self.path, name), run_text(run))

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
            write_together({self.path / name: text for name, text in files.items()})
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
    check_results(names, path, file_format)
    with ExitStack() as stack:
        with _explained(path):
            stack.enter_context(_alone(path))
            _begin(path, identity, resume)
        yield ResultFolder(path, file_format, first_pixel)


def check_results(names: Iterable[str], folder: Path, file_format: ResultFormat) -> None:
    """Whether results of sequences of these names may be written to a folder.

    Raises:
        UsageError: as `check_names`; or files of these names are there and no results of an earlier evaluation, such
            as the annotations of a data set.
    """
    earlier = (folder / SUMMARY).is_file() or _identity_file(folder).is_file()
    for path in check_names(names, file_format, folder):
        if not earlier and os.path.lexists(path):
            raise UsageError(
                f"{path} is there already, and no results of an earlier evaluation, so it is not replaced. Give "
                "another folder with --results."
            )


def _begin(path: Path, identity: Identity, resume: bool) -> None:
    place, ended = _identity_file(path), (path / SUMMARY).is_file()
    kept = load_plain(Identity, place, "record of an evaluation", where="evaluation") if place.exists() else None
    if resume and kept is not None:
        if others := kept.differences(identity):
            raise UsageError(
                f"{path} holds results of another evaluation, of {' and '.join(others)}. Give another folder with "
                "--results, or leave --resume out to replace them."
            )
        return
    if resume and ended:
        raise UsageError(
            f"{path} holds results of an older version of compress, which cannot be gone on from. Leave --resume out "
            "to replace them, or give another folder with --results."
        )
    records = _record(path, "").parent
    if kept is not None and not ended and records.is_dir() and any(records.iterdir()):
        raise UsageError(
            f"{path} holds an evaluation that has not ended. Add --resume to go on with it, or give another folder "
            f"with --results; to begin anew, remove {path / _STATE}."
        )
    if records.exists():
        shutil.rmtree(records)
    write_file(place, json.dumps(asdict(identity), indent=2) + "\n")
    (path / SUMMARY).unlink(missing_ok=True)


def _identity_file(path: Path) -> Path:
    return path / _STATE / "evaluation.json"


def _record(path: Path, name: str) -> Path:
    return path / _STATE / "sequences" / f"{name}.json"


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the folder; the lock goes with the process, however it ends."""
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(path / _STATE / "lock", wait=False))
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
