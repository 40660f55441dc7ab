"""What a plan looks at, and the front of it, against plain enumeration and dominance."""

from __future__ import annotations

import random

import pytest

from compress.archive import Constraint, pareto_mask
from compress.core import describe
from compress.driver.plan_front import distinct, front_of, nearest_to_front, spread
from compress.driver.plan_judge import Judge
from compress.driver.plan_sample import look_at
from compress.measure import resolve_target
from compress.profiles.estimated import estimate, load_estimated
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


def _judge(name: str) -> Judge:
    return Judge(resolve_target("agx"), name, describe(name))


def test_small_spaces_are_looked_at_whole(space: Space) -> None:
    judge, whole = _judge("ostrack256"), space
    found = look_at(whole, judge, Constraint(None), 0)
    assert {each.spec for each in found} == set(whole.enumerate(judge.teacher)) - {judge.teacher}
    for each in found:
        assert whole.spec(judge.teacher, lambda name, _, knobs=each.knobs: knobs[name]) == each.spec  # type: ignore[misc]


def test_large_spaces_are_sampled_and_their_front_pursued() -> None:
    """From 100 draws the front comes as near as that of 1,000: each step follows it a choice further."""
    judge, full, bound = _judge("ostrack256"), load_space("full"), Constraint(1000 / 60)
    found = look_at(full, judge, bound, 0, draws=100)
    assert [each.spec for each in found] == [each.spec for each in look_at(full, judge, bound, 0, draws=100)]
    assert len({each.spec for each in found}) == len(found) > 100
    rng = random.Random(1)
    blind = [judge({}, full.sample(judge.teacher, rng)) for _ in range(1000)]
    best = front_of(blind, bound)[-1]
    assert front_of(found, bound)[-1].prior.mean >= best.prior.mean - 0.002


def test_front_agrees_with_plain_dominance(space: Space) -> None:
    judge, bound = _judge("ostrack256"), Constraint(20.0)
    found = look_at(space, judge, bound, 0)
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
    assert spread(range(10), 4) == [0, 3, 6, 9]
    assert spread(range(3), 4) == [0, 1, 2]
    assert spread(range(3), 1) == [0]


def test_an_adaptive_teacher_stands_at_its_last_exit() -> None:
    judge = _judge("dytrack")
    worst = estimate(load_estimated("agx"), judge.teacher).mean_ms
    assert judge.teacher_latency().mean_ms == pytest.approx(worst)
    assert judge.teacher_prior().mean > 0.7
