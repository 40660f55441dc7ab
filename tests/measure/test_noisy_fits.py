"""Fits to times of a machine as noisy as can be: every cost is above zero, and errors are as wide as the noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from compress.core import TrackerSpec, describe
from compress.core.plain import problems_of
from compress.latency import BlockCost, MeasuredLatency, Profile, network_p10_ms, predict
from compress.measure import Coverage
from compress.measure.calibration.component_costs import component_ms
from compress.measure.calibration.nonnegative import nonnegative, possible
from compress.measure.calibration.profile_fit import MeasuredOn, fit_profile
from compress.measure.stacks.timing_plan import TimingPlan
from compress.measure.stacks.vit import scaled
from compress.measure.timing import Times
from compress.testing.toy_profile import layer, toy_profile, tracker


def _times(plan: TimingPlan, sigma: float, seed: int) -> list[Times]:
    """Equal layers of 0.02 ms around 1 ms of overhead and a loop of 0.5 ms, every call off by a factor of its own."""
    rng, found = np.random.default_rng(seed), []
    for batch in plan.batches:
        ms = np.array([*(1.5 + 0.02 * len(spec.layers) for spec in batch), 0.5])
        found.append((ms * rng.lognormal(0, sigma, len(ms)))[:, None, None] * rng.lognormal(0, sigma, (1, 12, 5)))
    return found


def _plan(name: str) -> TimingPlan:
    teacher = describe(name)
    return TimingPlan.of(teacher, Coverage.of(teacher, [teacher]))


@pytest.mark.parametrize("name", ["ostrack-nano", "ostrack256", "hit-tiny"])
@pytest.mark.parametrize("sigma", [0.2, 1.0])
def test_no_cost_is_below_zero_however_noisy(name: str, sigma: float) -> None:
    plan = _plan(name)
    for seed in range(2):
        profile = fit_profile(plan, _times(plan, sigma, seed), MeasuredOn("board", "a board", "onnxruntime 1", 1))
        assert list(problems_of(profile)) == []
        assert component_ms(profile).min() > 0
        assert profile.remarks
        for spec in plan.validation.values():
            assert predict(profile, spec).mean_ms > profile.loop_ms
        errors = MeasuredLatency(profile).errors
        assert errors is not None
        assert errors.mean >= profile.noise


def test_networks_that_take_no_longer_than_the_loop_have_costs() -> None:
    plan = _plan("ostrack-nano")
    times = [np.ones((len(batch) + 1, 12, 5)) for batch in plan.batches]
    profile = fit_profile(plan, times, MeasuredOn("board", "a board", "onnxruntime 1", 1))
    assert list(problems_of(profile)) == []


def test_costs_that_are_possible_are_left_as_they_were_read() -> None:
    read = toy_profile()
    assert nonnegative(read, [tracker(layer())], [1.0]) is read
    assert possible(read) is read


def test_a_negative_cost_is_fitted_to_the_stacks_instead() -> None:
    """Layers of 10 ms at width 128 and 4 at 32, of which noise has made one read as negative."""
    truth = toy_profile()
    stacks = [tracker(*(layer(i, hidden) for i in range(depth))) for depth in (1, 2, 4) for hidden in (32, 128)]
    ms = [network_p10_ms(truth, spec) for spec in stacks]
    read = replace(truth, blocks=(replace(truth.blocks[0], ms=-3.0), *truth.blocks[1:]))
    found = nonnegative(read, stacks, ms)
    assert _joint(found)[:2] == pytest.approx([10.0, 4.0], rel=0.1)
    assert min(_joint(found)) > 0


def _joint(profile: Profile) -> list[float]:
    return [block.ms for block in profile.blocks if block.attention == "joint"]


def test_a_layer_between_the_measured_ones_costs_no_less_than_nothing() -> None:
    """A wide layer of reduced attention saves 9 ms, but the thin one costs 4 ms in all."""
    reduced = replace(toy_profile(), blocks=(*toy_profile().blocks[:2], BlockCost("joint", 128, 1.0, attn_dims=16)))
    thin = tracker(layer(0, 32, attn_dims=16))
    assert network_p10_ms(reduced, thin) < reduced.overhead_ms["joint"]
    assert reduced.least_block_ms() == {2: 6.0}
    assert list(reduced.problems()) == ["blocks[2].ms makes a layer cost less than nothing"]
    assert list(possible(reduced).problems()) == []
    assert network_p10_ms(possible(reduced), thin) > reduced.overhead_ms["joint"]


def test_attention_costs_no_less_than_nothing_where_tokens_are_eliminated() -> None:
    blocks = (BlockCost("joint", 32, 1.0), BlockCost("joint", 128, 10.0))
    assert toy_profile(blocks=blocks).least_block_ms() == {}
    eliminating = toy_profile(blocks=blocks, elimination_ms=0.0)
    assert eliminating.least_block_ms() == {0: 2.5}
    assert list(possible(eliminating).problems()) == []


def test_proportions_to_nothing_are_left_out() -> None:
    """Without any difference between widths, a reduced MLP is taken to save what it saved."""
    detailed = {(None, 1, None): 1.0, (None, 2, None): 1.0, (None, 2, 8): 0.5}
    found = scaled(detailed, {(None, 1, None): 2.0, (None, 2, None): 3.0})
    assert found[None, 2, 8] == pytest.approx(1.0 - 0.5)


def _noisy(profile: Profile, spec: TrackerSpec) -> float:
    return predict(profile, spec).noise


def test_predictions_carry_the_noise_of_their_profile() -> None:
    assert _noisy(toy_profile(), tracker(layer())) == 0
    assert _noisy(toy_profile(noise=0.3), tracker(layer())) == 0.3
    errors = MeasuredLatency(toy_profile(noise=0.3)).errors
    assert errors is not None
    assert [errors.mean, errors.max] == pytest.approx([0.335, 0.36])
    assert "errors are given 30.0% wider" in MeasuredLatency(toy_profile(noise=0.3)).limits
