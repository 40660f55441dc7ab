"""What candidate elimination costs: nothing as OSTrack has it, almost everything where hardly a token is left."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest

from compress.core import TrackerSpec, describe
from compress.prior import elimination_model, elimination_rows, retention, retention_model
from compress.prior.elimination import scarcity_of
from compress.testing.plain_vit_students import TEACHER


def keeping(keep: float, *layers: int, teacher: TrackerSpec = TEACHER) -> TrackerSpec:
    changed = [replace(layer, keep=keep if i in layers else None) for i, layer in enumerate(teacher.layers)]
    return replace(teacher, layers=tuple(changed))


def test_scarcity_by_hand() -> None:
    """A quarter kept at layer 6 of 12: six layers and a half see all of 256 tokens, five and a half see 64."""
    found = scarcity_of(keeping(0.25, 6))
    assert found == pytest.approx((12 / (6.5 + 5.5 / 4) - 1, 3))
    assert scarcity_of(TEACHER) == (0, 0)


@pytest.mark.parametrize("name", ["ostrack256", "ostrack384"])
def test_as_ostrack_eliminates_it_is_free(name: str) -> None:
    """LiteTrack, Table IV: 71.0 AO with and without."""
    student = describe(f"{name}-ce")
    teacher = replace(student, layers=tuple(replace(layer, keep=None) for layer in student.layers))
    found = retention(teacher, student)
    assert (found.mean, found.low) == pytest.approx((1, math.exp(-retention_model().spread)))


def test_published_rows_lie_in_their_intervals() -> None:
    for row, spec in zip(elimination_rows()[1:], (keeping(0.3, 0), keeping(0.35, 0)), strict=True):
        found = retention(TEACHER, spec)
        assert found.low <= math.exp(row.log_retention) <= found.high, row.source
        assert found.mean == pytest.approx(math.exp(row.log_retention), abs=0.01)


@pytest.mark.parametrize("at", [0, 3, 11])
def test_one_token_of_256_keeps_hardly_anything(at: int) -> None:
    found = retention(TEACHER, keeping(1 / 256, at))
    assert found.mean < 0.15
    assert found.low < 0.01
    assert found.high < 0.3


@pytest.mark.parametrize("at", [0, 3, 11])
def test_fewer_tokens_are_never_better_and_less_certain_beyond_what_is_published(at: int) -> None:
    found = [retention(TEACHER, keeping(keep, at)) for keep in (0.9, 0.5, 0.3, 0.2, 0.1, 0.03)]
    assert all(less.mean <= more.mean and less.low <= more.low for more, less in pairwise(found))
    widths = [math.log(each.mean / each.low) for each in found]
    assert widths[-1] > 4 * widths[0]


def test_an_eliminating_teacher_is_the_reference() -> None:
    harsh = keeping(0.1, 3)
    assert retention(harsh, keeping(0.1, 3, teacher=replace(harsh, layers=harsh.layers[:11]))).mean < 1
    assert retention(harsh, TEACHER).mean == 1
    assert elimination_model().loss(harsh) > 0
