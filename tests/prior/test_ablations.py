"""The shipped table says what the papers say."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from compress.core import TrackerSpec, describe
from compress.prior import CHANGES, Pair, changes, pairs, rows

PAIRS = {pair.student.key: pair for pair in pairs()}


def _change(key: str) -> dict[str, float]:
    return dict(zip(CHANGES, PAIRS[key].changes, strict=True))


@pytest.mark.parametrize(
    ("key", "kept", "parts"),
    [
        ("litetrack-6+3", 72.2 / 71.7, {"depth": 1 / 3, "interaction": 1 / 9}),
        ("litetrack-2+2", 65.2 / 71.7, {"depth": 2}),
        ("mixformerv2-4-224-mlp1", 59.4 / 68.2, {"depth": 2, "mlp": 1}),
        ("mixformerv2-8-smaller", 66.6 / 68.5, {"resolution": 128 / 196}),
        ("dytrack-b4", 61.1 / 68.4, {"depth": 2}),
        ("dytrack-e1-1", 64.4 / 68.4, {"exits": 2}),
        ("dytrack-e2-1", 67.1 / 68.4, {"exits": 5 / 7}),
        ("dytrack-e3-1", 69.2 / 68.4, {}),
        ("avit-bypass", 67.4 / 66.4, {"bypass": 1 / 3}),
        ("avit-both", 65.2 / 66.4, {"bypass": 1 / 3, "dimensions": 57 / 135}),
        ("deit-tau0.9", 61.1 / 63.8, {"bypass": 0.8 * 10 / 12}),
        ("deit-enf0", 64.2 / 65.5, {"bypass": 0.4 * 9 / 12}),
        ("deit-again-6", 63.1 / 65.2, {}),
    ],
)
def test_rows_by_hand(key: str, kept: float, parts: dict[str, float]) -> None:
    assert math.exp(PAIRS[key].log_retention) == pytest.approx(kept)
    assert _change(key) == pytest.approx(dict.fromkeys(CHANGES, 0.0) | parts)


@pytest.mark.parametrize("pair", pairs(), ids=lambda pair: pair.student.key)
def test_rows_are_held_against_their_own_paper_and_benchmark(pair: Pair) -> None:
    assert pair.student.paper == pair.teacher.paper
    assert pair.student.metric == pair.teacher.metric
    assert 0.5 < pair.student.value < 0.8


def test_every_row_is_used() -> None:
    held_against = {pair.teacher.key for pair in pairs()}
    assert set(rows()) == held_against | {pair.student.key for pair in pairs()}


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("litetrack-6+3", "litetrack-b9"),
        ("litetrack-5+3", "litetrack-b8"),
        ("litetrack-3+3", "litetrack-b6"),
        ("litetrack-2+2", "litetrack-b4"),
        ("mixformerv2-8", "mixformerv2-b-student"),
        ("mixformerv2-4-224-mlp1", "mixformerv2-s"),
        ("dytrack-e1-1", "dytrack"),
        ("deit-again", "abtrack-deit"),
    ],
)
def test_rows_are_the_named_trackers(key: str, name: str) -> None:
    found, named = rows()[key].spec, describe(name)
    assert _looked_at(found) == _looked_at(named)
    assert changes(found, named) == changes(named, found)


def _looked_at(spec: TrackerSpec) -> object:
    layers = tuple(replace(layer, source=0) for layer in spec.layers)
    return layers, spec.dim, spec.heads, spec.search_tokens, spec.bypass, spec.exits
