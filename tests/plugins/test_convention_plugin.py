"""A convention of metrics from outside the package: this file and one registration, and evaluations count by it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Sequence as Items
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from compress.cli import main
from compress.data import Sequence, open_source
from compress.evaluate import CONVENTIONS, Curve, EvaluationOptions, Figures, Run, outcome_summary, run_evaluation
from compress.geometry import iou
from compress.testing.brightest_cell import BrightestCellTracker


@dataclass(frozen=True)
class Worst:
    """The worst frame of each sequence; the mean over sequences."""

    summary: str = "the lab: the worst frame"

    def measure(self, sequence: Sequence, run: Run) -> Mapping[str, NDArray[np.float64]]:
        return {"worst": iou(sequence.boxes, run.boxes).min(keepdims=True)}

    def figures(self, measured: Items[Mapping[str, NDArray[np.float64]]]) -> Figures:
        found = np.array([each["worst"][0] for each in measured])
        curve = Curve("sorted", np.linspace(0, 1, len(found)), np.sort(found), "sequences", float(found.mean()))
        return Figures({"worst": float(found.mean())}, (curve,))


CONVENTIONS.register("worst-frame", Worst())


@pytest.fixture(scope="module", autouse=True)
def registered() -> Iterator[None]:
    yield
    CONVENTIONS.remove("worst-frame")


def test_an_evaluation_counts_by_it(few_frames: str) -> None:
    options = EvaluationOptions(metrics="worst-frame")
    found = run_evaluation(BrightestCellTracker(), open_source(few_frames), options)
    assert found.total is not None
    sequences = open_source(few_frames).sequences()
    wanted = [iou(s.boxes, run.boxes).min() for s, run in zip(sequences, found.runs, strict=True)]
    assert found.total.values == {"worst": pytest.approx(np.mean(wanted))}
    assert outcome_summary(found)["metrics"]["convention"] == "worst-frame"


def test_the_help_lists_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["evaluate", "--help"])
    assert "the lab: the worst frame" in capsys.readouterr().out
