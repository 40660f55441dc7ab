"""What evaluating a student found, and how that is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from compress.archive import figures_from, ways_from
from compress.core import Accuracy, FileError, TrackerSpec, Way, way_rows
from compress.core.files import write_text


class Score(NamedTuple):
    """Accuracy, and the ways that the frames took through an adaptive tracker; None for others."""

    accuracy: Accuracy
    ways: Mapping[Way, int] | None = None


def read_score(path: Path, spec: TrackerSpec) -> Score | None:
    """A kept score; None where there is none, or none that says what `spec` needs."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        ways = ways_from(spec, data.pop("ways", None) if isinstance(data, dict) else None)
        accuracy = figures_from(Accuracy, data)
    except (OSError, ValueError, FileError):
        return None
    if accuracy is None or (spec.adaptive and not ways):
        return None
    return Score(accuracy, ways)


def write_score(path: Path, score: Score) -> None:
    """Keep a score: its accuracy's figures and, of an adaptive tracker, the rows of `way_rows`."""
    rows = {} if score.ways is None else {"ways": way_rows(score.ways)}
    write_text(path, json.dumps(score.accuracy.to_dict() | rows))
