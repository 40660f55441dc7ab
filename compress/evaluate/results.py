"""`write_results`: the boxes and figures of an `Evaluation` as files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from compress.core import FileError
from compress.core.writing import write_together
from compress.evaluate.formats import FORMATS
from compress.evaluate.ope import Evaluation
from compress.evaluate.result_folder import SUMMARY, check_results
from compress.evaluate.summary import evaluation_summary, sequences_csv


def write_results(evaluation: Evaluation, folder: Path | str) -> None:
    """Write `<name>.txt` (x,y,w,h per line) per sequence, `summary.json` and `summary.csv`; all change together.

    Raises:
        UsageError: as `check_results`.
        FileError: the folder cannot be written to.
    """
    target, file_format = Path(folder), FORMATS["lasot"]
    check_results(evaluation.boxes, target, file_format)
    files: dict[Path, str] = {}
    for name, boxes in evaluation.boxes.items():
        contents = file_format.contents(name, boxes, np.zeros(len(boxes)))
        files |= {target / path: text for path, text in contents.items()}
    files[target / "summary.csv"] = sequences_csv(evaluation)
    files[target / SUMMARY] = json.dumps(evaluation_summary(evaluation), indent=2) + "\n"
    try:
        write_together(files)
    except OSError as error:
        raise FileError(f"Cannot write results to {target}: {error.strerror or error}. Give another folder.") from error
