"""Promotion by non-dominated rank and spread, on cases that can be checked by eye."""

from __future__ import annotations

from dataclasses import replace

from compress.core import BypassSpec
from compress.driver.strategies.promotion import promoted
from compress.testing.strategy_trials import TEACHER, beyond, scored


def test_the_best_are_taken_far_apart() -> None:
    # AO
    #  .6 |             d
    #  .5 |         c e
    #  .4 |   b       f
    #  .3 | a
    #     +--------------- ms
    #       1 2     4 5 6 8
    records = [scored(*p) for p in [(1, 0.3), (2, 0.4), (4, 0.5), (8, 0.6), (5, 0.5), (6, 0.4)]]
    a, b, c, d, e, f = range(6)
    within = beyond(9.0)
    assert promoted(records, 0, within) == []
    assert promoted(records, 1, within) == [d]
    assert promoted(records, 2, within) == [d, a]
    assert promoted(records, 3, within) == [d, a, c]  # as far as b from both, and more accurate
    # e is dominated by c alone, f by c, d and e.
    assert promoted(records, 9, within) == [d, a, c, b, e, f]
    # Those over the bound come last, the nearest first.
    assert promoted(records, 4, beyond(3.0)) == [b, a, c, e]


def test_the_best_of_either_kind_goes_on() -> None:
    dynamic = replace(TEACHER, bypass=BypassSpec(n_enf=2))
    points = [(1, 0.5), (2, 0.6), (3, 0.4), (4, 0.3)]
    records = [replace(scored(*p), spec=dynamic if p[0] > 2 else TEACHER) for p in points]
    assert promoted(records, 2, beyond(9.0)) == [2, 1]
    assert promoted(records, 3, beyond(9.0)) == [2, 1, 0]
    # One that is over the bound, or alone to go on, has no such place.
    assert promoted(records, 2, beyond(2.5)) == [1, 0]
    assert promoted(records, 1, beyond(9.0)) == [1]


def test_the_best_of_each_precision_goes_on() -> None:
    """Below the last rung both are scored in fp32, so that the faster one seems better in any case."""
    points = [(1, 0.5), (2, 0.6), (3, 0.4), (4, 0.5)]
    low = replace(TEACHER, precision="int8")
    records = [replace(scored(*p), spec=low if p[0] < 3 else TEACHER) for p in points]
    assert promoted(records, 2, beyond(9.0)) == [1, 3]
    assert promoted(records, 1, beyond(9.0)) == [1]


def test_a_score_of_another_rung_does_not_count() -> None:
    """Of a stopped search some have come further; what they had at this rung is what the others have."""
    rungs = ({"fidelity": "rung-0", "ao": 0.1}, {"fidelity": "rung-1", "ao": 0.9})
    records = [replace(scored(2, 0.9), rungs=rungs), scored(1, 0.2)]
    assert promoted(records, 1, beyond(9.0), fidelity="rung-0") == [1]
    assert promoted(records, 1, beyond(9.0)) == [0]
