"""Promotion by non-dominated rank, on cases that can be checked by eye."""

from __future__ import annotations

import pytest

from compress.archive import Record
from compress.core import Accuracy, Latency, UsageError, describe
from compress.driver import SearchConfig
from compress.driver.ladder import promoted
from compress.driver.material import pool_size

_SPEC = describe("ostrack-nano")


def _record(ms: float, ao: float) -> Record:
    accuracy = Accuracy(ao, ao, 0.01, ao, ao, ao, ao, ao, 1, 10)
    latency = Latency(ms, ms, ms, ms, ms, "predicted", 1, 0, 1, "test", "test")
    return Record("v000", 0, _SPEC, "running", accuracy=accuracy, predicted=latency)


def test_promotion() -> None:
    # AO
    #  .6 |       c     d
    #  .5 |    b     e
    #  .3 | a
    #  .2 |    f
    #     +--------------- ms
    #       1  2  3  4  5
    records = [_record(*p) for p in [(1, 0.3), (2, 0.5), (3, 0.6), (5, 0.6), (4, 0.5), (2, 0.2)]]
    a, b, c, d = range(4)
    assert promoted(records, 3) == [a, b, c]
    assert promoted(records, 2) == [b, c]
    # d is dominated by c alone, as e is by b and c; among equal ranks the more accurate goes on.
    assert promoted(records, 4) == [a, b, c, d]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"fps": 30.0, "speedup": 2.0}, "one of --fps N and --speedup X"),
        ({"fps": -1.0}, "positive"),
        ({"speedup": float("nan")}, "positive"),
        ({"fps": 30.0, "trials": 0}, "trials must be at least 1"),
        ({"fps": 30.0, "partial": 1.0}, "between 0 and 1"),
        ({"fps": 30.0, "mlp_rank": "random"}, "importance or leading"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, float], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        SearchConfig(**settings)  # type: ignore[arg-type]


def test_default_pool_fits_in_memory() -> None:
    assert pool_size(describe("ostrack-nano"), 480 * 32) == 8192
    assert 300 < pool_size(describe("ostrack256"), 480 * 32) < 1000
    assert pool_size(describe("ostrack256"), 5 * 32) == 160


def test_without_a_bound_nothing_slower_than_the_teacher_will_do() -> None:
    assert SearchConfig().speedup == 1.0
    assert SearchConfig(fps=30.0).speedup is None
