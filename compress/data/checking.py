"""What is in a source, and what is wrong with it, sequence by sequence: `compress data`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from compress.core import FileError
from compress.data.index import Problem, SequenceIndex
from compress.data.mixture import MixedSource
from compress.data.opening import convention_of
from compress.data.recorded_source import RecordedSource
from compress.data.sources import DataSource


@dataclass(frozen=True)
class DataReport:
    """What was found in a source.

    Attributes:
        name: What opens it again.
        fingerprint: See `DataSource`; empty where a file of it cannot be read.
        convention: See `RecordedSource`.
        sequences, frames: How many there are.
        visible: Frames that show the object.
        first_only: Sequences of which the first box alone is known.
        problems: What is wrong.
    """

    name: str
    fingerprint: str
    convention: str
    sequences: int
    frames: int
    visible: int
    first_only: int
    problems: tuple[Problem, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {**vars(self), "problems": [problem._asdict() for problem in self.problems]}

    def check(self) -> None:
        """Raises FileError where anything is wrong, with the first of it."""
        if self.problems:
            of = len({problem.sequence for problem in self.problems})
            raise FileError(
                f"{self.name} has {len(self.problems)} problem{'s' * (len(self.problems) > 1)} in {of} of "
                f"{self.sequences} sequences. The first: {self.problems[0].text}"
            )


def check_data(source: DataSource, workers: int | None = None) -> DataReport:
    """Look at every sequence of a source.

    Args:
        workers: See `source_index`.

    Raises:
        FileError: its sequences cannot be listed.
    """
    if isinstance(source, MixedSource):
        return _of_mixture(source, workers)
    if isinstance(source, RecordedSource):
        return _of_index(source, source.make_index(workers))
    found = source.sequences()
    frames, visible = sum(map(len, found)), sum(int(np.count_nonzero(each.visible)) for each in found)
    return DataReport(source.name, source.fingerprint, convention_of(source), len(found), frames, visible, 0, ())


def _of_index(source: RecordedSource, index: SequenceIndex) -> DataReport:
    rows = [index.row(number) for number in range(len(index))]
    problems = (*index.problems, *_repeated(row["name"] for row in rows))
    counts = len(index), len(index.boxes), int(np.count_nonzero(index.visible))
    first_only = sum(row["first_only"] for row in rows)
    return DataReport(source.name, _fingerprint(source), source.convention, *counts, first_only, problems)


def _of_mixture(source: MixedSource, workers: int | None) -> DataReport:
    parts = [check_data(each, workers) for each in source.sources]
    known = all(part.fingerprint for part in parts)
    return DataReport(
        source.name,
        source.fingerprint if known else "",
        source.convention,
        sum(part.sequences for part in parts),
        sum(part.frames for part in parts),
        sum(part.visible for part in parts),
        sum(part.first_only for part in parts),
        tuple(problem for part in parts for problem in part.problems),
    )


def _fingerprint(source: DataSource) -> str:
    try:
        return source.fingerprint
    except FileError:
        return ""


def _repeated(names: Iterable[str]) -> list[Problem]:
    """Results of sequences are kept by name, so that two of one name are one too many."""
    counts = Counter(names)
    return [
        Problem(name, None, f"{count} sequences are called {name}.", False)
        for name, count in counts.items()
        if count > 1
    ]
