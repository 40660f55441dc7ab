"""Paths through adaptive trackers against sums done by hand on the toy profile, mixtures against drawn frames."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from compress.core import (
    BypassSpec,
    ExecutionPath,
    ExitSpec,
    LatencyConstraint,
    Recycling,
    UsageError,
    cheapest_path,
    worst_path,
)
from compress.latency import MeasuredLatency, Profile, gate, path_ms, path_network_ms, predict
from compress.latency.mixture import mixture_percentile
from compress.testing.toy_profile import layer, tracker

BYPASS = replace(tracker(layer(0), layer(1), layer(2)), bypass=BypassSpec(n_enf=1))
EXITS = replace(tracker(layer(0), layer(1), layer(2)), exits=(ExitSpec(1, adapter=1), ExitSpec(3)), recycling="b")
REST, LAYER = 3.0, 10.0
_SCHEMAS: tuple[Recycling, ...] = ("a", "b", "c", "d")


def _path(*skipped: int, exit: int | None = None) -> ExecutionPath:
    return ExecutionPath(frozenset(skipped), exit)


@pytest.mark.parametrize(
    ("path", "ms"),
    [
        # Stages that are run, each a call beside the head's.
        (_path(), REST + 1.1 * 3 * LAYER + 0.125 + 3 * 0.5),
        (_path(1), REST + 1.1 * 2 * LAYER + 0.125 + 2 * 0.5),
        (_path(2), REST + 1.1 * 2 * LAYER + 0.125 + 2 * 0.5),
        (_path(1, 2), REST + 1.1 * LAYER + 0.125 + 0.5),
    ],
)
def test_what_is_skipped_is_not_paid_for(routing_overhead: Profile, path: ExecutionPath, ms: float) -> None:
    assert path_network_ms(routing_overhead, BYPASS, path) == pytest.approx(ms)
    assert path_ms(routing_overhead, BYPASS, path) == pytest.approx(ms + 1)


def test_exits_pay_for_the_decisions_on_the_path(routing_overhead: Profile) -> None:
    """The adapter is a layer more, as slow in stages as the others."""
    early = REST + 1.1 * LAYER + 0.125 + 0.5 + 0.25 + 1.1 * LAYER
    late = REST + 1.1 * 3 * LAYER + 0.125 + 2 * 0.5 + 2 * 0.25 + 1.1 * LAYER
    assert path_network_ms(routing_overhead, EXITS, _path(exit=0)) == pytest.approx(early)
    assert path_network_ms(routing_overhead, EXITS, _path(exit=1)) == pytest.approx(late)
    assert path_network_ms(routing_overhead, EXITS, ExecutionPath()) == pytest.approx(late)


def test_bypass_and_exits_together(routing_overhead: Profile) -> None:
    """Layers 0 with its exit, layer 1 skipped, layer 2, the last exit by itself: three stages."""
    spec = replace(BYPASS, exits=(ExitSpec(1), ExitSpec(3)))
    wanted = REST + 1.1 * 2 * LAYER + 0.125 + 3 * 0.5 + 2 * 0.25
    assert path_network_ms(routing_overhead, spec, _path(1, exit=1)) == pytest.approx(wanted)


def test_recycling(routing_overhead: Profile) -> None:
    """Schema c doubles the tokens of an adapter, d adds an MLP of 32 units: 32/128 of the 8 ms between none and 128."""
    exits = (ExitSpec(1), ExitSpec(2, adapter=1), ExitSpec(3))
    ms = {
        how: path_network_ms(routing_overhead, replace(EXITS, exits=exits, recycling=how), _path(exit=2))
        for how in _SCHEMAS
    }
    assert ms["a"] == ms["b"]
    assert ms["c"] - ms["b"] == pytest.approx(1.1 * LAYER)
    assert ms["d"] - ms["b"] == pytest.approx(1.1 * 2 * 2.0)


def test_one_exit_decides_nothing(routing_overhead: Profile) -> None:
    spec = replace(EXITS, exits=(ExitSpec(3),))
    assert path_network_ms(routing_overhead, spec, worst_path(spec)) == pytest.approx(REST + 3 * LAYER + 0.25)
    assert predict(routing_overhead, spec).worst_ms is None


def test_paths_that_there_are_not(routing_overhead: Profile) -> None:
    with pytest.raises(UsageError):
        path_ms(routing_overhead, BYPASS, _path(0))


def test_outermost_paths() -> None:
    spec = replace(BYPASS, exits=(ExitSpec(2), ExitSpec(3)))
    assert (cheapest_path(spec), worst_path(spec)) == (_path(1, exit=0), _path(exit=1))
    assert cheapest_path(BYPASS) == _path(1, 2)
    assert cheapest_path(tracker(layer())) == worst_path(tracker(layer())) == _path()


def test_expected_latency_is_the_mean_over_frames(routing_overhead: Profile) -> None:
    paths = {_path(): 1, _path(1): 2, _path(1, 2): 5}
    found = predict(routing_overhead, BYPASS, paths)
    each = {path: path_network_ms(routing_overhead, BYPASS, path) for path in paths}
    mean = sum(each[path] * count for path, count in paths.items()) / 8
    assert found.network_ms == pytest.approx(1.5 * mean)
    assert found.mean_ms == pytest.approx(1.5 * (mean + 1))
    assert found.worst_ms == pytest.approx(1.5 * (each[_path()] + 1))
    assert found.mean_ms < found.at("worst")
    assert found.p50_ms < found.p90_ms < found.p99_ms


def test_frames_that_all_go_one_path(routing_overhead: Profile) -> None:
    found = predict(routing_overhead, BYPASS, {_path(1): 7})
    low = path_ms(routing_overhead, BYPASS, _path(1))
    wanted = [low * ratio for ratio in (1.5, 1.25, 2.0, 3.0)]
    assert [found.mean_ms, found.p50_ms, found.p90_ms, found.p99_ms] == pytest.approx(wanted)


def test_percentiles_of_drawn_frames() -> None:
    """Runs drawn from the inverse of the distribution between 10%, 50%, 90% and 99%, and its exponential end."""
    rng, shares, ratios = np.random.default_rng(0), (0.1, 0.5, 0.9, 0.99), (1.0, 1.02, 1.1, 1.4)
    lows = [(0.55, 2.0), (0.3, 3.0), (0.15, 7.0)]
    u = rng.uniform(size=400_000)
    noise = np.where(u < 0.99, np.interp(u, shares, ratios), 1.4 - 0.3 * np.log10((1 - u) / 0.01))
    times = rng.choice([ms for _, ms in lows], p=[weight for weight, _ in lows], size=400_000) * noise
    kinds = [(weight, [(s, ms * ratio) for s, ratio in zip(shares, ratios, strict=True)]) for weight, ms in lows]
    for share in (0.5, 0.9, 0.99, 0.999):
        assert mixture_percentile(kinds, share) == pytest.approx(np.quantile(times, share), rel=0.015)


def test_the_share_tau0_is_skipped_before_anyone_knows(routing_overhead: Profile) -> None:
    """By linearity the bound is the mean over all paths in which every layer is skipped with probability τ0."""
    spec = replace(BYPASS, bypass=BypassSpec(n_enf=1, tau0=0.25))
    paths = {_path(): 9 / 16, _path(1): 3 / 16, _path(2): 3 / 16, _path(1, 2): 1 / 16}
    mean = sum(path_network_ms(routing_overhead, spec, path) * share for path, share in paths.items())
    assert predict(routing_overhead, spec).network_ms == pytest.approx(1.5 * mean)


def test_the_first_exit_is_taken_before_anyone_knows(routing_overhead: Profile) -> None:
    assert predict(routing_overhead, EXITS).mean_ms == pytest.approx(
        1.5 * path_ms(routing_overhead, EXITS, _path(exit=0))
    )


def test_gate_before_and_after_the_paths_are_known(routing_overhead: Profile) -> None:
    model = MeasuredLatency(routing_overhead)
    early, late = (model.predict(EXITS, {_path(exit=k): 1}).mean_ms for k in (0, 1))
    bound = LatencyConstraint((early + late) / 2)
    before = gate(model, EXITS, bound)
    assert before.passes
    assert "at best" in before.reason
    after = gate(model, EXITS, bound, Counter({_path(exit=0): 1, _path(exit=1): 3}))
    assert not after.passes
    assert "at best" not in after.reason
    assert gate(model, EXITS, bound, {_path(exit=0): 3, _path(exit=1): 1}).passes


def test_the_worst_path_is_known_beforehand(routing_overhead: Profile) -> None:
    model = MeasuredLatency(routing_overhead)
    late = model.predict(EXITS, {_path(exit=1): 1}).mean_ms
    exact = gate(model, EXITS, LatencyConstraint(late, at="worst"))
    assert exact.passes
    assert not gate(model, EXITS, LatencyConstraint(0.999 * late, at="worst")).passes
    assert exact.reason == f"predicted {late:.3g} ms (worst), within the bound of {late:.3g} ms"
