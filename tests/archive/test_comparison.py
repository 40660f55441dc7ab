"""Differences between trackers on the same sequences, and what of a front is within noise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from compress.archive import (
    Archive,
    Record,
    bootstrap_error,
    front_rows,
    paired_difference,
    versus_next,
    within_noise,
)
from compress.core import Accuracy, CompressError, FileError, LatencyConstraint, UsageError
from compress.core.plain import from_plain
from compress.report import comparison_sentence
from compress.report.sections import front_table
from compress.testing.synthetic_run import accuracy, record, teacher

SHARED = np.random.default_rng(0).uniform(0.2, 0.8, 40)
"""How hard each sequence is for everyone."""


def _scored(base: Record, ao: float, aos: np.ndarray) -> Record:
    return replace(base, accuracy=replace(accuracy(ao), sequence_aos=tuple(aos.tolist())))


@pytest.fixture
def archive() -> Archive:
    """Three members; the middle one beats the fastest by chance alone, the slowest beats both surely."""
    jitter = np.random.default_rng(1).normal(0, 0.05, 40)
    rows = [
        _scored(record(0, 2, 0.5, 0.5), 0.500, SHARED),
        _scored(record(1, 3, 0.6, 0.5), 0.501, SHARED + jitter - jitter.mean() + 0.001),
        _scored(record(2, 6, 0.7, 0.6), 0.600, SHARED + jitter / 4 + 0.1),
    ]
    return Archive(Path("run"), teacher(), tuple(rows), LatencyConstraint(2.0))


def test_what_is_hard_for_both_cancels_out() -> None:
    found = paired_difference(SHARED + 0.02, SHARED)
    assert found.mean == pytest.approx(0.02)
    assert found.se == pytest.approx(0, abs=1e-9)
    assert not found.within_noise
    assert bootstrap_error(SHARED) > 0.02
    noisy = paired_difference(SHARED + np.tile([0.1, -0.1], 20), SHARED)
    assert noisy.se == pytest.approx(0.1 / np.sqrt(40), rel=0.15)
    assert noisy.within_noise
    assert noisy.sequences == 40
    assert str(paired_difference([0.513], [0.5])) == "+0.013 ± 0.000"


def test_other_sequences_cannot_be_compared() -> None:
    for a, b in (([], []), ([0.5], [0.5, 0.6])):
        with pytest.raises(UsageError, match="same sequences"):
            paired_difference(a, b)


def test_neighbours_of_the_front(archive: Archive) -> None:
    fastest, middle, slowest = archive.front()
    assert versus_next(archive, fastest) is None
    assert versus_next(archive, archive.teacher) is None  # scored without figures of each sequence
    assert versus_next(archive, replace(middle)) is None  # not a row of the front
    [(slow, fast, found)] = within_noise(archive)
    assert (slow.variant, fast.variant) == (middle.variant, fastest.variant)
    assert found.mean == pytest.approx(0.001)
    sure = versus_next(archive, slowest)
    assert sure is not None
    assert not sure.within_noise
    assert "v001 and v000 (+0.001 ±" in comparison_sentence(archive)
    assert [row["vs_next"] is None for row in front_rows(archive)] == [True, False, False, True]


def test_the_table_says_what_is_within_noise(archive: Archive) -> None:
    table = front_table(archive)
    place = [title for title, _ in table.columns].index("vs. next")
    cells = [row.cells[place].text for row in table.rows]
    assert cells[0] == cells[3] == "–"
    assert cells[1].startswith("+0.001 ± ")
    assert cells[1].endswith("within noise")
    assert cells[2] == str(versus_next(archive, archive.front()[2]))


def test_figures_of_sequences_are_kept_and_checked() -> None:
    kept = replace(accuracy(0.5), sequence_aos=(0.25, 0.75))
    assert from_plain(Accuracy, kept.to_dict(), "accuracy", error=FileError) == kept
    older = {name: value for name, value in kept.to_dict().items() if name != "sequence_aos"}
    assert from_plain(Accuracy, older, "accuracy", error=FileError).sequence_aos == ()
    with pytest.raises(CompressError, match="sequence_aos"):
        from_plain(Accuracy, kept.to_dict() | {"sequence_aos": [1.5]}, "accuracy", error=FileError)
