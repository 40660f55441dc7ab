"""Result files: the boxes of each sequence, and a summary."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from compress.core import FileError, UsageError, path_rows
from compress.core.files import write_text
from compress.core.text import csv_cell
from compress.evaluate.ope import Evaluation


def write_results(evaluation: Evaluation, folder: Path | str) -> None:
    """Write `<name>.txt` (x,y,w,h per line) per sequence, `summary.json` and `summary.csv`, each whole or not at all.

    Raises:
        UsageError: a sequence's name cannot be a file name.
        FileError: the folder cannot be written to.
    """
    target = Path(folder)
    for name in evaluation.boxes:
        if name in ("", ".", "..") or any(c in name for c in "/\\:\0"):
            raise UsageError(f"The sequence name {name!r} cannot be a file name. Rename the sequence.")
    try:
        for name, boxes in evaluation.boxes.items():
            write_text(target / f"{name}.txt", _box_lines(boxes))
        write_text(target / "summary.csv", _table(evaluation))
        write_text(target / "summary.json", json.dumps(_summary(evaluation), indent=2) + "\n")
    except OSError as error:
        raise FileError(f"Cannot write results to {target}: {error.strerror or error}. Give another folder.") from error


def _box_lines(boxes: NDArray[np.float64]) -> str:
    return "".join(",".join(f"{v:.4f}" for v in box) + "\n" for box in boxes)


def _summary(evaluation: Evaluation) -> dict[str, object]:
    rows = [score.to_dict() for score in evaluation.per_sequence]
    paths = {"paths": path_rows(evaluation.paths)} if evaluation.paths else {}
    return {**evaluation.accuracy.to_dict(), "fps": evaluation.fps, **paths, "per_sequence": rows}


def _table(evaluation: Evaluation) -> str:
    rows = [score.to_dict() for score in evaluation.per_sequence]
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: csv_cell(value) for key, value in row.items()} for row in rows)
    return text.getvalue()
