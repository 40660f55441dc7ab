"""Data sets in their official layouts: perfect boxes score as the data set's own convention says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compress.core import UsageError
from compress.data import convention_of, open_source
from compress.evaluate import Run
from compress.evaluate.outcome import outcome
from compress.testing.recorded_layouts import LAYOUTS

HEADLINES = {
    "got10k": ("got10k", "ao"),
    "lasot": ("lasot", "success_auc"),
    "lasot-ext": ("lasot-ext", "success_auc"),
    "otb": ("otb", "success_auc"),
    "nfs": ("otb", "success_auc"),
    "tnl2k": ("otb", "success_auc"),
    "uav123": ("uav123", "success_auc"),
    "vot": ("vot", "accuracy"),
}


@pytest.mark.filterwarnings("ignore:.* of the [0-9]+ sequences|.* lacks :compress.core.errors.CompressWarning")
@pytest.mark.parametrize("name", HEADLINES)
def test_perfect_boxes(name: str, tmp_path: Path) -> None:
    source = open_source(LAYOUTS[name](tmp_path / "data").location)
    sequences = source.sequences()
    runs = [Run(s.boxes.copy(), np.ones(len(s)), (s.frame(0).shape[1], s.frame(0).shape[0])) for s in sequences]
    for run in runs:  # where the object is absent trackers answer all the same
        run.boxes[run.boxes[:, 2] == 0] = [5, 5, 10, 10]
    found = outcome(sequences, runs, convention_of(source))
    convention, headline = HEADLINES[name]
    assert found.total is not None
    assert (found.convention, next(iter(found.total.values))) == (convention, headline)
    shown = [s.visible.mean() for s in sequences]
    wanted = {"ao": 1.0, "success_auc": np.mean(shown) * 20 / 21, "accuracy": 0.0}[headline]  # shorter than ten frames
    assert found.total.values[headline] == pytest.approx(wanted)
    named = {each for s in sequences for each in getattr(s, "attributes", ())}
    assert {each.name for each in found.attributes} == named


def test_a_test_set_is_not_scored(tmp_path: Path) -> None:
    LAYOUTS["trackingnet"](tmp_path / "data")
    (tmp_path / "data" / "TRAIN_0").rename(tmp_path / "data" / "TEST")
    for path in (tmp_path / "data" / "TEST" / "anno").iterdir():
        path.write_text(path.read_text().splitlines()[0] + "\n")
    source = open_source(f"trackingnet:{tmp_path / 'data'}")
    sequences = source.sequences()
    runs = [Run(s.boxes.copy(), np.ones(len(s)), (96, 72)) for s in sequences]
    found = outcome(sequences, runs, convention_of(source))
    assert (found.total, found.evaluation) == (None, None)
    assert found.unscored == [s.name for s in sequences]


def test_pictures_alone_are_not_scored(tmp_path: Path) -> None:
    sequences = open_source(LAYOUTS["coco"](tmp_path / "data").location).sequences()
    runs = [Run(s.boxes.copy(), np.ones(len(s)), (160, 120)) for s in sequences]
    with pytest.raises(UsageError, match="No frame can be scored"):
        outcome(sequences, runs, "lasot")
