"""The fit: what it recovers, what it never does, and what its interval holds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from compress.prior import CHANGES, RetentionModel, leave_one_out, pairs, rate_ranges, retention_model
from compress.prior.fitting import PULL, fit_model, fitted_pairs, left_out_losses


@dataclass(frozen=True)
class _Named:
    key: str
    paper: str


@dataclass(frozen=True)
class _Made:
    """Stands for a pair: its changes and its ln retention."""

    student: _Named
    teacher: _Named
    changes: tuple[float, ...]
    log_retention: float


def _made(rows: Sequence[tuple[str, dict[str, float], float]]) -> list[_Made]:
    return [
        _Made(_Named(f"{paper}{i}", paper), _Named("t", paper), tuple(change.get(name, 0.0) for name in CHANGES), kept)
        for i, (paper, change, kept) in enumerate(rows)
    ]


def _fit(rows: Sequence[tuple[str, dict[str, float], float]]) -> RetentionModel:
    return fit_model(_made(rows))  # type: ignore[arg-type]


def test_one_rate_for_all_is_found_exactly() -> None:
    fitted = _fit([(paper, {name: size}, -0.04 * size) for paper in "ab" for name in CHANGES for size in (1.0, 2.0)])
    assert fitted.rates == pytest.approx([0.04] * 7)
    assert fitted.common == pytest.approx(0.04)
    assert fitted.growth == pytest.approx(0, abs=1e-9)


def test_a_knob_without_rows_loses_at_the_common_rate() -> None:
    fitted = _fit([(paper, {"depth": 1.0}, -0.06) for paper in "ab"])
    assert fitted.rates == pytest.approx([0.06] * 7)


def test_a_knob_is_drawn_toward_the_others() -> None:
    """Least squares by hand: n rows each at one unit, their means m1 and m2, the pull p on each rate's distance from
    the best common one."""
    rows = [("a", {"depth": 1.0 + 1e-9 * i}, -0.08) for i in range(3)]
    rows += [("b", {"mlp": 1.0 + 1e-9 * i}, -0.02) for i in range(3)]
    toward = 3 / (3 + PULL)
    fitted = dict(zip(CHANGES, _fit(rows).rates, strict=True))
    assert fitted["depth"] == pytest.approx(0.05 + toward * 0.03, abs=1e-6)
    assert fitted["mlp"] == pytest.approx(0.05 - toward * 0.03, abs=1e-6)


def test_trainings_of_one_setting_weigh_as_one() -> None:
    many = [("a", {"depth": 1.0}, -0.06 + d) for d in (-0.01, 0.0, 0.01)] * 20
    assert _fit([*many, ("b", {"mlp": 1.0}, -0.02)]).rates == pytest.approx(
        _fit([("a", {"depth": 1.0}, -0.06), ("b", {"mlp": 1.0}, -0.02)]).rates
    )


def test_no_rate_is_negative() -> None:
    gains = [("a", {"bypass": float(i)}, 0.3 * i) for i in range(1, 9)]
    fitted = _fit([*gains, *(("b", {"depth": float(i)}, -0.05 * i) for i in range(1, 9))])
    assert min(fitted.rates) == 0
    assert fitted.rates[0] == pytest.approx(0.05)


def test_rows_left_out_are_not_looked_at() -> None:
    rows = [("a", {"depth": 1.0}, -0.05), ("a", {"depth": 2.0}, -0.1), ("b", {"depth": 1.0}, -9.0)]
    losses = left_out_losses(_made(rows), lambda pair: pair.student.paper)  # type: ignore[arg-type]
    assert losses == pytest.approx([9.0, 18.0, 0.05])


def test_a_paper_left_out_is_another_solution_of_the_same_equations() -> None:
    """Against the normal equations, with the common rate eliminated: it is the mean of the rates."""
    for paper in {row.pair.student.paper for row in leave_one_out()}:
        rest = [pair for pair in fitted_pairs() if pair.student.paper != paper]
        change = np.array([pair.changes for pair in rest])
        lost = -np.array([math.log(pair.student.value / pair.teacher.value) for pair in rest])
        alike = [
            [pair.teacher.key == other.teacher.key and pair.changes == other.changes for other in rest] for pair in rest
        ]
        weight = 1 / np.sum(alike, axis=1)
        centre = np.eye(7) - np.ones((7, 7)) / 7
        rates = np.linalg.solve(change.T @ (weight[:, None] * change) + PULL * centre, change.T @ (weight * lost))
        for row in leave_one_out():
            if row.pair.student.paper == paper:
                assert -math.log(row.without_paper) == pytest.approx(np.dot(rates, row.pair.changes))


def test_one_setting_in_three_tables_sets_the_spread() -> None:
    """ABTrack-DeiT at τ0 = 0.4 and two enforced layers stands at 63.1, 64.4 and 65.2."""
    assert retention_model().spread == pytest.approx(math.log(65.2 / 63.1))


def test_intervals_hold_the_rows_left_out() -> None:
    rows = leave_one_out()
    assert len(rows) == sum(pair.student.paper != "hit" for pair in pairs())
    held = [row.low <= row.published <= row.high for row in rows]
    assert np.mean(held) >= 0.9
    by_row = [_holds(row.without_row, row.published) for row in rows]
    assert np.mean(by_row) >= 0.9


def test_intervals_of_the_other_papers_hold_a_paper() -> None:
    assert np.mean([row.blind for row in leave_one_out()]) >= 0.9


def test_a_narrower_interval_would_not_do() -> None:
    """Coverage is not for free: at half the width the rows do not fit in."""
    fitted = retention_model()
    halved = [
        abs(math.log(row.published / row.without_paper)) <= fitted.half_width(-math.log(row.without_paper)) / 2
        for row in leave_one_out()
    ]
    assert np.mean(halved) < 0.9


def test_errors_are_below_those_of_no_model() -> None:
    rows = leave_one_out()
    errors = np.array([row.error for row in rows])
    unchanged = np.array([row.published - 1 for row in rows])
    assert np.sqrt(np.mean(errors**2)) < 0.02
    assert np.sqrt(np.mean(unchanged**2)) > 2 * np.sqrt(np.mean(errors**2))


def test_ranges_hold_the_rates() -> None:
    for rate, low, high in rate_ranges().values():
        assert 0 < low <= rate <= high < 0.06


def _holds(predicted: float, published: float) -> bool:
    low, high = retention_model().bounds(-math.log(predicted))
    return math.exp(low) <= published <= math.exp(high)
