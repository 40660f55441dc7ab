"""Rank correlation of scores, on cases that can be checked by eye."""

from __future__ import annotations

import pytest

from compress.archive import Record, rank_agreement
from compress.core import describe

_SPEC = describe("ostrack-nano")


def _records(pairs: list[tuple[float, float | None]]) -> list[Record]:
    """Of students with a score, and of some trained to the end."""

    def rungs(low: float, full: float | None) -> tuple[dict[str, object], ...]:
        first = {"fidelity": "elastic", "ao": low}
        return (first,) if full is None else (first, {"fidelity": "full", "ao": full})

    return [Record(f"v{i:03d}", i, _SPEC, "done", rungs=rungs(*pair)) for i, pair in enumerate(pairs)]


def test_the_same_order_and_the_reverse() -> None:
    same = rank_agreement(_records([(0.1, 0.5), (0.2, 0.6), (0.3, 0.61), (0.4, 0.9), (0.9, None)]), "elastic")
    assert same is not None
    assert (same.students, same.correlation, same.low, same.high) == (4, 1.0, 1.0, 1.0)
    assert str(same) == "Scores at elastic against full training: Spearman 1.00 [1.00, 1.00] over 4 students."
    reverse = rank_agreement(_records([(0.1, 0.9), (0.2, 0.8), (0.3, 0.7)]), "elastic")
    assert reverse is not None
    assert reverse.correlation == pytest.approx(-1.0)


def test_a_few_that_nearly_agree_have_a_wide_interval() -> None:
    # Ranks 1 2 3 4 5 against 2 1 3 4 5: rho = 1 - 6 · 2 / (5 · 24).
    pairs = [(0.1, 0.5), (0.2, 0.4), (0.3, 0.6), (0.4, 0.7), (0.5, 0.8)]
    found = rank_agreement(_records(pairs), "elastic")
    assert found is not None
    assert found.correlation == pytest.approx(0.9)
    assert found.low < 0.5 < found.high


@pytest.mark.parametrize("pairs", [[], [(0.1, 0.2), (0.3, 0.4)], [(0.1, 0.5)] * 4, [(0.1, None)] * 4])
def test_nothing_is_said_of_too_few_or_of_equal_ones(pairs: list[tuple[float, float | None]]) -> None:
    assert rank_agreement(_records(pairs), "elastic") is None
