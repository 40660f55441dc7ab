"""Files about all sequences of an evaluation: figures as JSON and CSV, curves as SVG."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping
from collections.abc import Sequence as Items
from typing import Any

from compress.core import path_rows
from compress.core.text import csv_cell
from compress.evaluate.ope import Evaluation
from compress.evaluate.outcome import Group, Outcome
from compress.evaluate.plots import curve_svg


def outcome_files(outcome: Outcome, *, tracker: str, data: str) -> dict[str, str]:
    """Text by file name.

    `summary.json` is there always; where something can be scored also `summary.csv` (each sequence), `metrics.csv`
    (each sequence by the data's convention), `attributes.csv` where sequences have attributes, and the curves.
    """
    files = {"summary.json": json.dumps(outcome_summary(outcome), indent=2) + "\n"}
    if outcome.evaluation is None or outcome.total is None:
        return files
    files["summary.csv"] = sequences_csv(outcome.evaluation)
    files["metrics.csv"] = _groups_csv("sequence", [*outcome.each, Group("all", len(outcome.each), outcome.total)])
    if outcome.attributes:
        files["attributes.csv"] = _groups_csv("attribute", outcome.attributes)
    return files | {f"{curve.name}.svg": curve_svg(curve, tracker, data=data) for curve in outcome.total.curves}


def outcome_summary(outcome: Outcome) -> dict[str, Any]:
    """Plain JSON types."""
    speed = {"fps": outcome.fps, "batch": outcome.batch, "workers": outcome.workers}
    scores = {} if outcome.evaluation is None else evaluation_summary(outcome.evaluation)
    found = {**scores, **speed, "renewals": sum(run.renewals for run in outcome.runs), "unscored": outcome.unscored}
    if outcome.total is not None:
        found["metrics"] = {
            "convention": outcome.convention,
            "figures": _plain(outcome.total.values),
            "attributes": {
                each.name: {"sequences": each.sequences, **_plain(each.figures.values)} for each in outcome.attributes
            },
        }
    return found


def evaluation_summary(evaluation: Evaluation) -> dict[str, Any]:
    """Plain JSON types."""
    rows = [score.to_dict() for score in evaluation.per_sequence]
    paths = {"paths": path_rows(evaluation.paths)} if evaluation.paths else {}
    accuracy = evaluation.accuracy.to_dict()
    del accuracy["sequence_aos"]  # in the rows
    speed = {"fps": evaluation.fps, "batch": evaluation.batch}
    return {**accuracy, **speed, **paths, "per_sequence": rows}


def sequences_csv(evaluation: Evaluation) -> str:
    """A line for each sequence."""
    rows = [score.to_dict() for score in evaluation.per_sequence]
    return _csv(list(rows[0]), rows)


def _groups_csv(title: str, groups: Items[Group]) -> str:
    rows = [{title: each.name, "sequences": each.sequences, **_plain(each.figures.values)} for each in groups]
    return _csv(list(rows[0]), rows)


def _csv(names: list[str], rows: Iterable[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: csv_cell(value) for key, value in row.items()} for row in rows)
    return text.getvalue()


def _plain(values: Mapping[str, float]) -> dict[str, float | None]:
    """NaN, of no frame, as None."""
    return {name: value if math.isfinite(value) else None for name, value in values.items()}
