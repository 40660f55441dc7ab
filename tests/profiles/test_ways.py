"""Ways through adaptive trackers against sums done by hand on the toy profile, mixtures against drawn frames."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from toy import layer, tracker

from compress.core import BypassSpec, ExitSpec, UsageError, Way
from compress.profiles import Profile, Ratios, cheapest_way, gate, predict, way_ms, way_network_ms, worst_way
from compress.profiles.mixture import percentile

BYPASS = replace(tracker(layer(0), layer(1), layer(2)), bypass=BypassSpec(n_enf=1))
EXITS = replace(tracker(layer(0), layer(1), layer(2)), exits=(ExitSpec(1, adapter=1), ExitSpec(3)), recycling="b")
REST, LAYER = 3.0, 10.0


def _way(*skipped: int, exit: int | None = None) -> Way:
    return Way(frozenset(skipped), exit)


@pytest.mark.parametrize(
    ("way", "ms"),
    [
        # Stages that are run, each a call beside the head's.
        (_way(), REST + 1.1 * 3 * LAYER + 0.125 + 3 * 0.5),
        (_way(1), REST + 1.1 * 2 * LAYER + 0.125 + 2 * 0.5),
        (_way(2), REST + 1.1 * 2 * LAYER + 0.125 + 2 * 0.5),
        (_way(1, 2), REST + 1.1 * LAYER + 0.125 + 0.5),
    ],
)
def test_what_is_skipped_is_not_paid_for(deciding: Profile, way: Way, ms: float) -> None:
    assert way_network_ms(deciding, BYPASS, way) == pytest.approx(ms)
    assert way_ms(deciding, BYPASS, way) == pytest.approx(ms + 1)


def test_exits_pay_for_the_decisions_on_the_way(deciding: Profile) -> None:
    """The adapter is a layer more, as slow in stages as the others."""
    early = REST + 1.1 * LAYER + 0.125 + 0.5 + 0.25 + 1.1 * LAYER
    late = REST + 1.1 * 3 * LAYER + 0.125 + 2 * 0.5 + 2 * 0.25 + 1.1 * LAYER
    assert way_network_ms(deciding, EXITS, _way(exit=0)) == pytest.approx(early)
    assert way_network_ms(deciding, EXITS, _way(exit=1)) == pytest.approx(late)
    assert way_network_ms(deciding, EXITS, Way()) == pytest.approx(late)


def test_bypass_and_exits_together(deciding: Profile) -> None:
    """Layers 0 with its exit, layer 1 skipped, layer 2, the last exit by itself: three stages."""
    spec = replace(BYPASS, exits=(ExitSpec(1), ExitSpec(3)))
    wanted = REST + 1.1 * 2 * LAYER + 0.125 + 3 * 0.5 + 2 * 0.25
    assert way_network_ms(deciding, spec, _way(1, exit=1)) == pytest.approx(wanted)


def test_recycling(deciding: Profile) -> None:
    """Schema c doubles the tokens of an adapter, d adds an MLP of 32 units: 32/128 of the 8 ms between none and 128."""
    exits = (ExitSpec(1), ExitSpec(2, adapter=1), ExitSpec(3))
    ms = {how: way_network_ms(deciding, replace(EXITS, exits=exits, recycling=how), _way(exit=2)) for how in "abcd"}
    assert ms["a"] == ms["b"]
    assert ms["c"] - ms["b"] == pytest.approx(1.1 * LAYER)
    assert ms["d"] - ms["b"] == pytest.approx(1.1 * 2 * 2.0)


def test_one_exit_decides_nothing(deciding: Profile) -> None:
    spec = replace(EXITS, exits=(ExitSpec(3),))
    assert way_network_ms(deciding, spec, worst_way(spec)) == pytest.approx(REST + 3 * LAYER + 0.25)
    assert predict(deciding, spec).worst_ms is None


def test_ways_that_there_are_not(deciding: Profile) -> None:
    with pytest.raises(UsageError):
        way_ms(deciding, BYPASS, _way(0))


def test_outermost_ways() -> None:
    spec = replace(BYPASS, exits=(ExitSpec(2), ExitSpec(3)))
    assert (cheapest_way(spec), worst_way(spec)) == (_way(1, exit=0), _way(exit=1))
    assert cheapest_way(BYPASS) == _way(1, 2)
    assert cheapest_way(tracker(layer())) == worst_way(tracker(layer())) == _way()


def test_expected_latency_is_the_mean_over_frames(deciding: Profile) -> None:
    ways = {_way(): 1, _way(1): 2, _way(1, 2): 5}
    found = predict(deciding, BYPASS, ways)
    each = {way: way_network_ms(deciding, BYPASS, way) for way in ways}
    mean = sum(each[way] * count for way, count in ways.items()) / 8
    assert found.network_ms == pytest.approx(1.5 * mean)
    assert found.mean_ms == pytest.approx(1.5 * (mean + 1))
    assert found.worst_ms == pytest.approx(1.5 * (each[_way()] + 1))
    assert found.mean_ms < found.worst_ms
    assert found.p50_ms < found.p90_ms < found.p99_ms


def test_frames_that_all_go_one_way(deciding: Profile) -> None:
    found = predict(deciding, BYPASS, {_way(1): 7})
    low = way_ms(deciding, BYPASS, _way(1))
    wanted = [low * ratio for ratio in (1.5, 1.25, 2.0, 3.0)]
    assert [found.mean_ms, found.p50_ms, found.p90_ms, found.p99_ms] == pytest.approx(wanted)


def test_percentiles_of_drawn_frames() -> None:
    """Runs drawn from the inverse of the distribution between 10%, 50%, 90% and 99%."""
    ratios, rng = Ratios(mean=1.0, p50=1.02, p90=1.1, p99=1.4), np.random.default_rng(0)
    lows = [(0.55, 2.0), (0.3, 3.0), (0.15, 7.0)]
    noise = np.interp(rng.uniform(size=400_000), (0.1, 0.5, 0.9, 0.99), (1.0, 1.02, 1.1, 1.4))
    times = rng.choice([ms for _, ms in lows], p=[weight for weight, _ in lows], size=400_000) * noise
    for share in (0.5, 0.9, 0.99):
        assert percentile(lows, ratios, share) == pytest.approx(np.quantile(times, share), rel=0.01)


def test_the_share_tau0_is_skipped_before_anyone_knows(deciding: Profile) -> None:
    """By linearity the bound is the mean over all ways in which every layer is skipped with probability τ0."""
    spec = replace(BYPASS, bypass=BypassSpec(n_enf=1, tau0=0.25))
    ways = {_way(): 9 / 16, _way(1): 3 / 16, _way(2): 3 / 16, _way(1, 2): 1 / 16}
    mean = sum(way_network_ms(deciding, spec, way) * share for way, share in ways.items())
    assert predict(deciding, spec).network_ms == pytest.approx(1.5 * mean)


def test_the_first_exit_is_taken_before_anyone_knows(deciding: Profile) -> None:
    assert predict(deciding, EXITS).mean_ms == pytest.approx(1.5 * way_ms(deciding, EXITS, _way(exit=0)))


def test_gate_before_and_after_the_ways_are_known(deciding: Profile) -> None:
    early, late = (predict(deciding, EXITS, {_way(exit=k): 1}).mean_ms for k in (0, 1))
    bound = (early + late) / 2
    before = gate(deciding, EXITS, bound)
    assert before.passes
    assert "at best" in before.reason
    after = gate(deciding, EXITS, bound, ways=Counter({_way(exit=0): 1, _way(exit=1): 3}))
    assert not after.passes
    assert "at best" not in after.reason
    assert gate(deciding, EXITS, bound, ways={_way(exit=0): 3, _way(exit=1): 1}).passes


def test_the_worst_way_is_known_beforehand(deciding: Profile) -> None:
    late = predict(deciding, EXITS, {_way(exit=1): 1}).mean_ms
    exact = gate(deciding, EXITS, late, at="worst")
    assert exact.passes
    assert not gate(deciding, EXITS, 0.999 * late, at="worst").passes
    assert exact.reason == f"predicted {late:.3g} ms (worst), within the bound of {late:.3g} ms"
