import csv
from pathlib import Path

import numpy as np
import pytest

from compress.core import UsageError
from compress.data import read_folder
from compress.evaluate import pool, score_sequence

STILL = np.tile([0.0, 0, 10, 10], (4, 1))


def test_sequence_and_pooled_figures_by_hand() -> None:
    """Overlaps after the first frame: 1, 1/3 and a hidden frame; then 2/3 three times."""
    hidden = score_sequence(
        "hidden",
        STILL,
        [[0, 0, 10, 10], [0, 0, 10, 10], [5, 0, 10, 10], [50, 0, 10, 10]],
        [True, True, True, False],
        frame_size=(100, 100),
    )
    near = score_sequence("near", STILL, np.tile([0, 2, 10, 10], (4, 1)), [True] * 4, frame_size=(100, 100))
    assert (hidden.ao, hidden.sr50, hidden.sr75) == pytest.approx((2 / 3, 0.5, 0.5))
    assert (hidden.frames, len(hidden.overlaps)) == (4, 2)
    assert hidden.precision20 == 0.75
    assert (near.ao, near.sr50, near.sr75) == pytest.approx((2 / 3, 1, 0))
    both = pool([hidden, near])
    assert (both.ao, both.sr50, both.sr75) == pytest.approx((2 / 3, 4 / 5, 1 / 5))
    assert (both.ao_seq, both.ao_se) == pytest.approx((2 / 3, 0), abs=1e-9)
    assert (both.sequences, both.frames) == (2, 5)
    assert both.auc == pytest.approx((hidden.auc + near.auc) / 2)


def test_pooled_overlap_is_taken_inside_the_frame() -> None:
    """Half of the truth lies outside: unclipped 50/150, clipped 50/50."""
    truth = np.tile([-5.0, 0, 10, 10], (2, 1))
    score = score_sequence("edge", truth, [[-5, 0, 10, 10], [0, 0, 5, 10]], [True] * 2, frame_size=(100, 100))
    assert score.ao == pytest.approx(0.5)
    np.testing.assert_allclose(score.overlaps, [1.0])


def test_a_sequence_without_countable_frames() -> None:
    lone = score_sequence("lone", STILL[:1], STILL[:1], [True], frame_size=(100, 100))
    assert lone.to_dict()["ao"] is None
    with pytest.raises(UsageError, match="No frame can be scored"):
        pool([lone])
    good = score_sequence("good", STILL, STILL, [True] * 4, frame_size=(100, 100))
    assert pool([lone, good]).ao_seq == 1


def test_the_still_box_scores_as_published(real_sequences: Path) -> None:
    """The baselines' tracker keeps the first box, rounded to whole pixels as OpenCV's trackers take it."""
    with (real_sequences / "baselines.csv").open() as file:
        expected = {row["sequence"]: row for row in csv.DictReader(file) if row["tracker"] == "static"}
    sequences = read_folder(real_sequences)
    assert {s.name for s in sequences} == set(expected)
    for s in sequences:
        row, frame = expected[s.name], s.frame(0)
        still = np.tile(np.round(s.boxes[0]), (len(s), 1))
        score = score_sequence(s.name, s.boxes, still, s.visible, frame_size=(frame.shape[1], frame.shape[0]))
        assert score.frames == int(row["frames"])
        found = [score.ao, score.sr50, score.sr75, score.auc, score.precision20]
        columns = ["AO", "SR0.5", "SR0.75", "AUC", "P20"]
        np.testing.assert_allclose(found, [float(row[c]) for c in columns], atol=5.1e-5, err_msg=s.name)
