"""What students of the full space are said to keep."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from compress.core import TRACKERS, describe
from compress.prior import (
    Retention,
    estimate,
    levit_stretch,
    pairs,
    published_accuracy,
    retention,
    retention_model,
)
from compress.testing.plain_vit_students import SPACE, TEACHER, student

ORDERED: dict[str, tuple[Any, ...]] = {
    "depth": tuple(range(2, 13)),
    "mlp_ratio": (1, 2, 3, 4),
    "dr_ratio": (0.5, 0.375, 0.25, 0.125, 0),
    "tau0": (0.6, 0.5, 0.4, 0.3, 0.2),
    "n_enf": (1, 2, 3, 4),
    "bypass": ("learned", "never"),
    "exits": ("1/6 1/2", "1/3 2/3", "1/2", "never"),
    "adapters": (0, 1, 2),
    "interaction": ("1/4", "1/3", "1/2", "joint"),
    "keep_ratio": (0.35, 0.5, 0.7, "never"),
}
"""Choices from what keeps least to what keeps most."""


@pytest.mark.parametrize("name", TRACKERS.names())
def test_a_student_equal_to_its_teacher_keeps_all(name: str) -> None:
    assert retention(describe(name), describe(name)) == Retention(1, 1, 1)


def test_anything_else_was_trained_anew() -> None:
    """Layers of other places cost nothing on average, and are as uncertain as training one setting twice."""
    other = replace(TEACHER, layers=tuple(replace(each, source=each.source + 1) for each in TEACHER.layers))
    found = retention(TEACHER, other)
    assert found.mean == 1
    assert found.low == pytest.approx(63.1 / 65.2)
    assert found.high == pytest.approx(67.4 / 66.4)  # the most that any row gained


def test_by_hand() -> None:
    depth, exits = retention_model().rates[0], retention_model().rates[5]
    assert retention(TEACHER, student(depth=4)).mean == pytest.approx(math.exp(-2 * depth))
    both = student(depth=6, exits="1/2", adapters=0)
    assert retention(TEACHER, both).mean == pytest.approx(math.exp(-depth - 2 * exits))
    assert retention(TEACHER, both, (0.0, 1.0)).mean == pytest.approx(math.exp(-depth))


def test_intervals_over_the_full_space() -> None:
    rng = random.Random(1)
    for _ in range(500):
        found = retention(TEACHER, SPACE.sample(TEACHER, rng))
        assert 0.1 < found.low <= found.mean <= found.high <= 67.4 / 66.4 + 1e-9
        assert found.mean <= 1


APART: dict[str, dict[str, Any]] = {
    # Whether an exit lies behind the first AI layer changes with the depth, and where tokens leave.
    "depth": {"interaction": "joint", "keep_ratio": "never"},
    # What is decided per frame, and a split, leave no place for elimination.
    "interaction": {"exits": "never", "depth": 12, "keep_ratio": "never"},
    "bypass": {"keep_ratio": "never"},
    # Adapters are never skipped, so an exit with one may replace layers that are.
    "exits": {"bypass": "never", "keep_ratio": "never"},
    "adapters": {"bypass": "never"},
    "keep_ratio": {"interaction": "joint", "bypass": "never", "exits": "never"},
}
"""Choices that keep a knob apart from others."""


@pytest.mark.parametrize("knob", ORDERED)
def test_more_taken_away_is_never_better(knob: str) -> None:
    rng = random.Random(2)
    choices = SPACE.choices(TEACHER)
    for _ in range(30):
        chosen = {name: rng.choice(values) for name, values in choices.items()} | APART.get(knob, {})
        kept = [retention(TEACHER, student(**(chosen | {knob: value}))).mean for value in ORDERED[knob]]
        assert all(less <= more + 1e-12 for less, more in pairwise(kept)), chosen


def test_fewer_layers_are_never_better_however_they_attend() -> None:
    for interaction in SPACE.choices(TEACHER)["interaction"]:
        kept = [retention(TEACHER, student(depth=n, interaction=interaction)).mean for n in range(2, 13)]
        assert kept == sorted(kept)


def test_corners_are_poor_but_not_absurd() -> None:
    worst = student(depth=2, mlp_ratio=1, dr_ratio=0.5, bypass="learned", tau0=0.6, n_enf=1, exits="1/2", adapters=0)
    shallow, corner = retention(TEACHER, student(depth=2)), retention(TEACHER, worst)
    assert 0.7 < shallow.mean < 0.85
    assert 0.4 < corner.mean < 0.6
    assert corner.high / corner.low > shallow.high / shallow.low > 1.2


def test_levit_intervals_hold_hit_tiny_against_hit_small() -> None:
    """Nobody publishes an ablation of LeViT's depth; these two networks are what there is."""
    assert levit_stretch() > 3
    found = [pair for pair in pairs() if pair.student.paper == "hit"]
    assert len(found) == 3
    for pair in found:
        kept = retention(pair.teacher.spec, pair.student.spec)
        assert kept.low * (1 - 1e-9) <= pair.student.value / pair.teacher.value <= kept.high


def test_estimate_is_the_published_figure_times_the_share_kept() -> None:
    spec = student(depth=6)
    kept, found = retention(TEACHER, spec), estimate("ostrack256", spec)
    assert found is not None
    assert (found.mean, found.low, found.high) == pytest.approx((0.71 * kept.mean, 0.71 * kept.low, 0.71 * kept.high))
    assert (found.metric, found.source) == ("GOT-10k AO", "litetrack, Table IV")
    assert (found.provenance, found.fidelity) == ("estimated", "prior")


def test_no_figure_no_estimate() -> None:
    nano = describe("ostrack-nano")
    spec = student(nano, depth=6)
    assert estimate("ostrack-nano", spec) is None
    assert estimate("my-own", spec) is None
    assert estimate("ostrack256", student(depth=6), "VOT EAO") is None
    assert published_accuracy("litetrack-b4", "TrackingNet AUC") is not None
    assert estimate("litetrack-b4", describe("litetrack-b4"), "TrackingNet AUC") is None  # no ablation is about it
    assert retention(nano, spec) == retention(TEACHER, student(depth=6))
