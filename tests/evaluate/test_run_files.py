"""A sequence that was followed, written and read again: nothing is lost, and nothing else is believed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from compress.core import ExecutionPath, FileError, describe
from compress.evaluate.following import Run
from compress.evaluate.run_files import read_run, run_text

SPEC = describe("dytrack")


@pytest.fixture
def run() -> Run:
    paths = Counter({ExecutionPath(frozenset(), 0): 2, ExecutionPath(frozenset(), 1): 1})
    boxes = np.array([[1.1, 2, 3, 4]] * 4) / 3
    return Run(boxes, np.array([0.1, 0.2, 1 / 3, 0.4]), (320, 240), 5, paths, batch=2, workers=3)


def test_nothing_is_lost(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(run_text(run))
    found = read_run(tmp_path / "a.json", 4, SPEC)
    np.testing.assert_array_equal(found.boxes, run.boxes)
    np.testing.assert_array_equal(found.times, run.times)
    assert (found.size, found.renewals, found.batch, found.workers) == ((320, 240), 5, 2, 3)
    assert found.paths == run.paths


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"renewals": 5', '"renewals": -5'),
        ('"renewals": 5', '"renewals": 5.5'),
        ('"seconds": [0.1', '"seconds": [-0.1'),
        ('"seconds": [0.1', '"seconds": ["x"'),
        ('"size": [320', '"size": [true'),
        ('"exit": 0', '"exit": 40'),
        ('"boxes": [[', '"boxes": [[NaN, 1, 1, 1], ['),
        ('"boxes": [[', '"boxes": [[1, 1, -1, 1], ['),
        ('"boxes"', '"boxed"'),
    ],
)
def test_what_is_no_record(run: Run, tmp_path: Path, old: str, new: str) -> None:
    text = run_text(run)
    assert old in text
    (tmp_path / "a.json").write_text(text.replace(old, new, 1))
    with pytest.raises(FileError, match=r"a\.json is not a record of a sequence.*Remove it"):
        read_run(tmp_path / "a.json", 4 + ("boxes" in new and "[[" in new), SPEC)


def test_records_of_other_lengths(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(run_text(run))
    with pytest.raises(FileError, match="of 5 frames of this tracker"):
        read_run(tmp_path / "a.json", 5, SPEC)
