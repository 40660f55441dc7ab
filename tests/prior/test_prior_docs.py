"""The figures in docs/prior.md are the model's."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from compress.prior import (
    elimination_model,
    leave_one_out,
    levit_stretch,
    pairs,
    published,
    rate_ranges,
    retention,
    retention_model,
)

DOCS = Path(__file__).parents[2] / "docs" / "prior.md"

pytestmark = pytest.mark.skipif(not DOCS.exists(), reason="the documents are not here")


def _table(head: str) -> dict[str, list[str]]:
    """The cells behind the first of every row, by the first, of the table that begins with `head`."""
    lines = DOCS.read_text("utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {head} |"))
    rows: dict[str, list[str]] = {}
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        first, *cells = (cell.strip(" `") for cell in line.strip("|").split("|"))
        rows[first] = cells
    return rows


def _numbers(*cells: str) -> list[float]:
    return [float(each.replace("−", "-")) for cell in cells for each in re.findall(r"[−+\d.]+", cell)]


def test_rates() -> None:
    shown = _table("knob | rate")
    assert {name: _numbers(*cells) for name, cells in shown.items()} == {
        name: pytest.approx(values, abs=6e-5) for name, values in rate_ranges().items()
    }


def test_rows_left_out() -> None:
    shown = _table("row | where")
    assert list(shown) == [row.pair.student.key for row in leave_one_out()]
    for row in leave_one_out():
        where, *cells = shown[row.pair.student.key]
        assert where == f"{row.pair.student.paper} {row.pair.student.table}"
        expected = [row.published, row.without_paper, row.low, row.high, row.without_row]
        assert _numbers(*cells) == pytest.approx(expected, abs=6e-4)


def test_papers_left_out() -> None:
    shown = _table("paper | rows")
    for paper, cells in shown.items():
        rows = [row for row in leave_one_out() if paper in ("all", row.pair.student.paper)]
        errors, by_row = [100 * row.error for row in rows], [100 * row.row_error for row in rows]
        expected = [len(rows), _rms(errors), sum(errors) / len(rows), max(map(abs, errors)), _rms(by_row)]
        expected += [sum(row.inside for row in rows), sum(row.blind for row in rows)]
        assert _numbers(*cells) == pytest.approx(expected, abs=0.06)
    assert len(shown) == 5


def test_levit() -> None:
    shown = _table("row | published")
    for pair in pairs():
        if pair.student.paper == "hit":
            kept = retention(pair.teacher.spec, pair.student.spec)
            expected = [math.exp(pair.log_retention), kept.mean, kept.low, kept.high]
            assert _numbers(*shown.pop(pair.student.key)) == pytest.approx(expected, abs=6e-4)
    assert not shown


def test_figures_in_the_text() -> None:
    text, fitted = DOCS.read_text("utf-8"), retention_model()
    assert f"± ({fitted.spread:.4f} + {fitted.growth:.3f} · loss)" in text
    assert f"common one ({fitted.common:.4f}," in text
    assert f"stops at {math.exp(fitted.best):.3f}" in text
    assert f"are {levit_stretch():.1f} times as wide" in text
    assert f"The rate is {elimination_model().rate:.4f}, by least squares" in text
    assert f"lists {len(published())} published trackers" in text
    assert f"`compress/prior/ablations.csv`: {len(leave_one_out())} rows" in text


def _rms(errors: list[float]) -> float:
    return math.sqrt(sum(error**2 for error in errors) / len(errors))
