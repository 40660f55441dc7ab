"""An evaluation that a folder holds already: what it was of, and whether it is gone on with, replaced, or in the way.

In `.compress/`, `evaluation.json` says what it was of, and `sequences/` has a record of each sequence that has ended
(`run_files`).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from compress.core import UsageError, fingerprint
from compress.core.plain_files import load_plain
from compress.core.writing import write_file
from compress.data import DataSource
from compress.evaluate.own_files import STATE, OwnFiles, keep_own_files, own_files, remove_files
from compress.evaluate.trackers import EvaluatedTracker

SUMMARY = "summary.json"
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


def record_file(folder: Path, name: str) -> Path:
    """Where the record of a sequence is that has ended."""
    return folder / STATE / "sequences" / f"{name}.json"


def is_of_an_older_version(folder: Path) -> bool:
    """Whether there are results without a word about which files are theirs."""
    state = folder / STATE
    return (folder / SUMMARY).is_file() and not (
        (state / "evaluation.json").exists() and (state / "files.json").exists()
    )


def begin(folder: Path, identity: Identity, wanted: Iterable[str], *, resume: bool) -> None:
    """Make a folder ready for an evaluation that will write files of results at the paths `wanted`.

    Going on, files of the same evaluation in another format stay where they are those of all sequences. Otherwise an
    evaluation that has ended goes, with all of its files, so that none is taken for one of the new.

    Raises:
        UsageError: an evaluation of something else is to be gone on with, or one that has not ended is in the way.
        FileError: what is said of it is damaged.
        OSError: the folder cannot be written to.
    """
    place, ended = folder / STATE / "evaluation.json", (folder / SUMMARY).is_file()
    kept = load_plain(Identity, place, "record of an evaluation", where="evaluation") if place.exists() else None
    own, new = own_files(folder), OwnFiles(tuple(wanted))
    if resume and kept is not None:
        if others := kept.differences(identity):
            raise UsageError(
                f"{folder} holds results of another evaluation, of {' and '.join(others)}. Give another folder with "
                "--results, or leave --resume out to replace them."
            )
        if not ended:
            remove_files(folder, {*own.results} - {*new.results})
        earlier = own.results if ended else ()
        keep_own_files(folder, replace(own, results=tuple(dict.fromkeys((*earlier, *new.results)))))
        return
    records = record_file(folder, "").parent
    if kept is not None and not ended and records.is_dir() and any(records.iterdir()):
        raise UsageError(
            f"{folder} holds an evaluation that has not ended. Add --resume to go on with it, or give another folder "
            "with --results; to begin anew, remove the folder."
        )
    if records.exists():
        shutil.rmtree(records)
    remove_files(folder, own.all)
    keep_own_files(folder, new)
    write_file(place, json.dumps(asdict(identity), indent=2) + "\n")
