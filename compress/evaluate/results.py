"""Result files: the boxes of each sequence, and a summary."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from compress.core import FileError, UsageError, path_rows
from compress.core.text import csv_cell
from compress.core.writing import write_together
from compress.evaluate.ope import Evaluation


def write_results(evaluation: Evaluation, folder: Path | str) -> None:
    """Write `<name>.txt` (x,y,w,h per line) per sequence, `summary.json` and `summary.csv`; all change together.

    Raises:
        UsageError: as `check_results`.
        FileError: the folder cannot be written to.
    """
    target = Path(folder)
    check_results(evaluation.boxes, target)
    files = {target / f"{name}.txt": _box_lines(boxes) for name, boxes in evaluation.boxes.items()}
    files[target / "summary.csv"] = _table(evaluation)
    files[target / "summary.json"] = json.dumps(_summary(evaluation), indent=2) + "\n"
    try:
        write_together(files)
    except OSError as error:
        raise FileError(f"Cannot write results to {target}: {error.strerror or error}. Give another folder.") from error


def check_results(names: Iterable[str], folder: Path) -> None:
    """Whether results of sequences of these names may be written to a folder.

    Raises:
        UsageError: a name cannot be a file name; or files of these names are there and no results of an earlier
            evaluation, such as the annotations of a data set.
    """
    earlier = (folder / "summary.json").is_file()
    for name in names:
        if name in ("", ".", "..") or any(c in name for c in "/\\:\0"):
            raise UsageError(f"The sequence name {name!r} cannot be a file name. Rename the sequence.")
        if not earlier and os.path.lexists(folder / f"{name}.txt"):
            raise UsageError(
                f"{folder / name}.txt is there already, and no results of an earlier evaluation, so it is not "
                "replaced. Give another folder with --out."
            )


def _box_lines(boxes: NDArray[np.float64]) -> str:
    return "".join(",".join(f"{v:.4f}" for v in box) + "\n" for box in boxes)


def _summary(evaluation: Evaluation) -> dict[str, object]:
    rows = [score.to_dict() for score in evaluation.per_sequence]
    paths = {"paths": path_rows(evaluation.paths)} if evaluation.paths else {}
    accuracy = evaluation.accuracy.to_dict()
    del accuracy["sequence_aos"]  # in the rows
    speed = {"fps": evaluation.fps, "batch": evaluation.batch}
    return {**accuracy, **speed, **paths, "per_sequence": rows}


def _table(evaluation: Evaluation) -> str:
    rows = [score.to_dict() for score in evaluation.per_sequence]
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: csv_cell(value) for key, value in row.items()} for row in rows)
    return text.getvalue()
