from typing import Any

import numpy as np
import pytest

from compress.core import UsageError
from compress.evaluate import evaluate, evaluation_summary
from compress.testing.brightest_cell import SETTINGS, BrightestCell


def test_a_tracker_that_sees_the_object_follows_it(slide: Any) -> None:
    seen: list[tuple[str, float]] = []
    sequences = [slide("one"), slide("two", length=4, step=-2)]
    found = evaluate(
        BrightestCell(), SETTINGS, sequences, progress=lambda text, share, _=None: seen.append((text, share))
    )
    assert found.accuracy.ao > 0.85
    assert found.accuracy.sr75 == found.accuracy.precision20 == 1
    assert (found.accuracy.sequences, found.accuracy.frames) == (2, 5 + 3)
    assert [(s.name, s.frames) for s in found.per_sequence] == [("one", 6), ("two", 4)]
    assert seen == [(f"frame {i} of 10", i / 10) for i in range(1, 11)]
    assert found.fps > 10
    assert found.renewals == 0
    np.testing.assert_array_equal(found.boxes["one"][0], sequences[0].boxes[0])
    np.testing.assert_allclose(found.boxes["one"], sequences[0].boxes, atol=1.5)


def test_what_cannot_be_evaluated(slide: Any) -> None:
    with pytest.raises(UsageError, match="no sequences"):
        evaluate(BrightestCell(), SETTINGS, [])
    with pytest.raises(UsageError, match="one came twice"):
        evaluate(BrightestCell(), SETTINGS, [slide("one"), slide("one")])
    with pytest.raises(UsageError, match="Sequence gone, frame 1: .*160x120"):
        evaluate(BrightestCell(), SETTINGS, [slide("gone", start=(400, 5, 20, 20))])


def test_the_summary_of_an_evaluation(slide: Any) -> None:
    found = evaluate(BrightestCell(), SETTINGS, [slide("one"), slide("lone", length=1)])
    summary = evaluation_summary(found)
    assert summary["ao_seq"] == found.accuracy.ao_seq
    assert [row["ao"] for row in summary["per_sequence"]] == [found.per_sequence[0].ao, None]
