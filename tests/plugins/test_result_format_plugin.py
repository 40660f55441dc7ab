"""A format of result files from outside the package: this file and one registration, and every evaluation writes it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from compress.data import open_source
from compress.evaluate import FORMATS, EvaluationOptions, run_evaluation
from compress.testing.brightest_cell import BrightestCellTracker


@dataclass(frozen=True)
class JsonLists:
    """One JSON file for each sequence."""

    summary: str = "lists of the lab"
    zipped: bool = True

    def paths(self, name: str) -> list[str]:
        return [f"lab/{name}.json"]

    def contents(self, name: str, boxes: NDArray[np.float64], times: NDArray[np.float64]) -> Mapping[str, str]:
        return {self.paths(name)[0]: json.dumps(boxes.round(1).tolist())}


FORMATS.register("lab-json", JsonLists())


@pytest.fixture(scope="module", autouse=True)
def registered() -> Iterator[None]:
    yield
    FORMATS.remove("lab-json")


def test_an_evaluation_writes_it(few_frames: str, tmp_path: Path) -> None:
    options = EvaluationOptions(tmp_path / "r", "lab-json")
    found = run_evaluation(BrightestCellTracker(), open_source(few_frames), options)
    for name, run in zip(found.names, found.runs, strict=True):
        assert json.loads((tmp_path / "r" / "lab" / f"{name}.json").read_text()) == run.boxes.round(1).tolist()
    assert (tmp_path / "r" / "submission.zip").is_file()
    assert not list((tmp_path / "r").glob("*.txt"))
