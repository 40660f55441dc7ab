"""`Score`: accuracy and execution paths of an evaluated student, written and read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from compress.archive import paths_from
from compress.core import Accuracy, ExecutionPath, FileError, TrackerSpec, path_rows
from compress.core.plain import from_plain
from compress.core.plain_files import read_plain
from compress.core.writing import write_file


class Score(NamedTuple):
    """Accuracy, and the execution paths that the frames took through an adaptive tracker; None for others."""

    accuracy: Accuracy
    paths: Mapping[ExecutionPath, int] | None = None


def read_score(path: Path, spec: TrackerSpec) -> Score | None:
    """A kept score; None where there is none, or none that says what `spec` needs."""
    try:
        data = read_plain(path, "score", syntax="json")
        paths = paths_from(spec, data.pop("paths", None) if isinstance(data, dict) else None)
        accuracy = from_plain(Accuracy, data, "score", error=FileError)
    except FileError:
        return None
    if spec.adaptive and not paths:
        return None
    return Score(accuracy, paths)


def write_score(path: Path, score: Score) -> None:
    """Keep a score: its accuracy's figures and, of an adaptive tracker, the rows of `path_rows`."""
    rows = {} if score.paths is None else {"paths": path_rows(score.paths)}
    write_file(path, json.dumps(score.accuracy.to_dict() | rows))
