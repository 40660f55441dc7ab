"""What a plan looks at, and the front of it, against plain enumeration and dominance."""

from __future__ import annotations

import random

import pytest

from compress.archive import pareto_mask
from compress.core import LatencyConstraint, describe
from compress.driver.planner.estimator import Estimator
from compress.driver.planner.front import distinct, evenly_spaced, front_of, nearest_to_front
from compress.driver.planner.sample import sample_space
from compress.driver.precisions import space_on
from compress.latency.estimated import estimate_latency, load_estimated
from compress.measure import resolve_target
from compress.spaces import Space, load_space


@pytest.fixture(scope="module")
def space() -> Space:
    knobs = {
        "depth": (2, 3, 4, 8, 12),
        "layers": ("even", "front"),
        "interaction": ("joint", "1/2"),
        "mlp_ratio": (1, 4),
    }
    return Space("few", knobs | {"bypass": ("never", "learned"), "tau0": (0.6,), "n_enf": (2,)})


def _estimator(name: str) -> Estimator:
    return Estimator(resolve_target("agx").latency_model(describe(name)), name, describe(name))


def test_small_spaces_are_looked_at_whole(space: Space) -> None:
    estimator, whole = _estimator("ostrack256"), space
    found = sample_space(whole, estimator, LatencyConstraint(None), 0)
    assert {each.spec for each in found} == set(whole.enumerate(estimator.teacher)) - {estimator.teacher}
    for each in found:
        assert whole.spec(estimator.teacher, lambda name, _, knobs=each.knobs: knobs[name]) == each.spec  # type: ignore[misc]


def test_large_spaces_are_sampled_and_their_front_pursued() -> None:
    """From 100 draws the front comes as near as that of 1,000: each step follows it a choice further."""
    estimator, bound = _estimator("ostrack256"), LatencyConstraint(1000 / 60)
    full, _ = space_on(resolve_target("agx"), load_space("full"))
    found = sample_space(full, estimator, bound, 0, draws=100)
    assert [each.spec for each in found] == [each.spec for each in sample_space(full, estimator, bound, 0, draws=100)]
    assert len({each.spec for each in found}) == len(found) > 100
    rng = random.Random(1)
    blind = [estimator({}, full.sample(estimator.teacher, rng)) for _ in range(1000)]
    best = front_of(blind, bound)[-1]
    assert front_of(found, bound)[-1].prior.mean >= best.prior.mean - 0.002


def test_front_agrees_with_plain_dominance(space: Space) -> None:
    estimator, bound = _estimator("ostrack256"), LatencyConstraint(20.0)
    found = sample_space(space, estimator, bound, 0)
    within = [each for each in distinct(found) if each.latency.mean_ms <= 20.0]
    points = [(each.latency.mean_ms, each.prior.mean) for each in within]
    mask = pareto_mask(points, ("minimize", "maximize"))
    front = front_of(found, bound)
    assert {each.spec for each in front} == {each.spec for each, keep in zip(within, mask, strict=True) if keep}
    chosen = nearest_to_front(found, bound, len(front) + 5)
    assert chosen[: len(front)] == front
    assert len(chosen) == len(front) + 5
    assert len(nearest_to_front(found, bound, 3)) == 3
    figures = {(round(e.latency.mean_ms, 9), round(e.prior.mean, 9)) for e in chosen}
    assert len(figures) == len(chosen)  # no twins


def test_spread() -> None:
    assert evenly_spaced(range(10), 4) == [0, 3, 6, 9]
    assert evenly_spaced(range(3), 4) == [0, 1, 2]
    assert evenly_spaced(range(3), 1) == [0]


def test_an_adaptive_teacher_stands_at_its_last_exit() -> None:
    estimator = _estimator("dytrack")
    worst = estimate_latency(load_estimated("agx"), estimator.teacher).mean_ms
    assert estimator.teacher_latency().mean_ms == pytest.approx(worst)
    assert estimator.teacher_prior().mean > 0.7
