"""What deciding costs, found again from times made from known costs; and once measured for real."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from compress.core import BypassSpec, ExitSpec, HeadSpec, TrackerSpec, describe
from compress.latency import (
    BlockCost,
    Family,
    Overhead,
    Profile,
    Ratios,
    RoutingOverhead,
    ValidationResult,
    p10_ms,
    path_ms,
    predict,
    save_profile,
)
from compress.measure import Coverage, host_profile, profile_path
from compress.measure.budget import budget_of
from compress.measure.calibration.routing_overhead import RoutingOverheadPlan, fit, fit_routing_overhead
from compress.measure.stacks.adaptive_paths import fitted_paths, static_part, validation_paths

NANO = describe("ostrack-nano")
KNOWN = RoutingOverhead(frame_ms=0.1, call_ms=0.05, exit_ms=0.03, layer_share=0.015)


def _profile(teacher: TrackerSpec) -> Profile:
    """Layers cost 0.2 ms with thin and 0.3 ms with wide MLPs, everything else 0.5 ms."""
    coverage = Coverage.of(teacher)
    ms = dict(zip(coverage.mlp_hidden[0], (0.2, 0.3), strict=True))
    blocks = tuple(
        BlockCost(k, hidden, ms[hidden], a, m) for a, hidden, m in coverage.points for k in coverage.attentions
    )
    overhead = (Overhead("joint", 0.5), Overhead("split", 0.5), Overhead("asymmetric", 0.5))
    ratios = Ratios(1.0, 1.0, 1.0, 1.0)
    family = Family.of(teacher)
    return Profile("toy", "toy", "toy", 1, family, overhead, blocks, loop_ms=0.2, ratios=ratios, runs=1, warmup=0)


def _times(teacher: TrackerSpec) -> list[tuple[TrackerSpec, object, float, float]]:
    profile = replace(_profile(teacher), routing_overhead=KNOWN)
    paths = fitted_paths(teacher, Coverage.of(teacher), budget_of(teacher))
    return [
        (spec, path, path_ms(profile, spec, path), p10_ms(profile, static_part(spec, path))) for spec, path in paths
    ]


def test_known_costs_are_found_again() -> None:
    found = fit(_profile(NANO), _times(NANO))  # type: ignore[arg-type]
    for name, ms in vars(KNOWN).items():
        assert name == "validation" or getattr(found, name) == pytest.approx(ms)


@pytest.mark.parametrize("slower", [1.0, 1.7])
def test_a_machine_that_is_slower_now_changes_no_costs(slower: float) -> None:
    """Deciding may be measured long after the profile; shallow trackers timed for both tell the pace."""
    plan = RoutingOverheadPlan.of(NANO, Coverage.of(NANO))
    truth = replace(_profile(NANO), routing_overhead=KNOWN)
    known = tuple(ValidationResult(name, 1.0, p10_ms(truth, spec)) for name, spec in plan.known.items())
    ms = [p10_ms(truth, spec) if path is None else path_ms(truth, spec, path) for spec, path in plan.calls]
    found = fit_routing_overhead(
        replace(truth, routing_overhead=None, validation=known), plan, np.array(ms)[:, None, None] * slower
    )
    assert [found.frame_ms, found.call_ms, found.exit_ms] == pytest.approx([0.1, 0.05, 0.03])
    assert found.layer_share == pytest.approx(0.015)
    assert len(found.validation) == len(plan.validation)
    assert found.mean_error == pytest.approx(0, abs=1e-9)


def test_noise_of_a_session_moves_neither_the_pace_nor_the_costs_far() -> None:
    """Sessions that differ by 2%: one known tracker tells the pace to 3.6%, and four to 2%.

    Costs fitted to 36 paths predict others to 1.6%, those fitted to 12 paths to 2.4%.
    """
    plan = RoutingOverheadPlan.of(NANO, Coverage.of(NANO))
    truth = replace(_profile(NANO), routing_overhead=KNOWN)
    ms = np.array([p10_ms(truth, spec) if path is None else path_ms(truth, spec, path) for spec, path in plan.calls])
    wanted = np.array([path_ms(truth, spec, path) for _, spec, path in plan.validation])
    pace, errors = [], []
    for seed in range(20):
        noise = np.random.default_rng(seed)
        before = {name: p10_ms(truth, spec) * noise.normal(1, 0.02) for name, spec in plan.known.items()}
        rows = tuple(ValidationResult(name, 1.0, each) for name, each in before.items())
        timed = (ms * noise.normal(1, 0.02, len(ms)))[:, None, None]
        found = fit_routing_overhead(replace(truth, routing_overhead=None, validation=rows), plan, timed)
        pace.append(np.mean([each.measured_ms for each in found.validation]) / wanted.mean() - 1)
        fitted = replace(truth, routing_overhead=found)
        predicted = np.array([path_ms(fitted, spec, path) for _, spec, path in plan.validation])
        errors.append(np.mean((predicted / wanted - 1) ** 2))
    assert np.std(pace) < 0.028
    assert np.sqrt(np.mean(errors)) < 0.02


def test_heads_without_exits_have_bypass_only() -> None:
    """Of tokens-headed trackers nobody can tell what an exit would cost; nobody can ask for one either."""
    head = HeadSpec(kind="tokens", bins=8)
    teacher = replace(NANO, head=head, layers=tuple(replace(x, attention="asymmetric") for x in NANO.layers))
    paths = _times(teacher)
    assert not any(spec.exits for spec, _, _, _ in paths)
    found, profile = fit(_profile(teacher), paths), _profile(teacher)  # type: ignore[arg-type]
    for spec, path, ms, _ in paths:
        assert path_ms(replace(profile, routing_overhead=found), spec, path) == pytest.approx(ms)  # type: ignore[arg-type]


def test_paths_held_back_are_other_paths() -> None:
    coverage = Coverage.of(NANO)
    validation = {(spec, path) for _, spec, path in validation_paths(NANO, coverage, budget_of(NANO))}
    assert len(validation) == 7
    assert not validation & set(fitted_paths(NANO, coverage, budget_of(NANO)))
    assert {spec.attention for spec, _ in validation} == {"joint", "split"}


@pytest.mark.parametrize("name", ["ostrack-nano", "ostrack256", "litetrack-b4", "mixformerv2-s"])
def test_paths_fitted_to_are_within_the_corners_and_the_same_each_time(name: str) -> None:
    teacher = describe(name)
    coverage, budget = Coverage.of(teacher), budget_of(teacher)
    paths = fitted_paths(teacher, coverage, budget)
    assert len(paths) == budget.paths == len({spec for spec, _ in paths})
    assert paths == fitted_paths(teacher, coverage, budget)
    for spec, path in paths:
        path.check(spec)
        assert spec.adaptive
        assert Coverage.of(teacher, [spec]).layers_within(coverage)
        assert not static_part(spec, path).adaptive
        assert len(static_part(spec, path).layers) == path.layers(spec) <= budget.depths.deep


@pytest.mark.slow  # adaptive searches measure it in the default tier
@pytest.mark.usefixtures("small_budget")
def test_what_routing_overhead_costs_is_measured_when_asked_for(tiny: TrackerSpec) -> None:
    kept = replace(_profile(tiny), target="cpu")
    save_profile(kept, profile_path(tiny, 1))
    spec = replace(tiny, bypass=BypassSpec(n_enf=1), exits=(ExitSpec(2, adapter=1), ExitSpec(4)))
    assert host_profile(tiny) == kept
    found = host_profile(tiny, coverage=Coverage.of(tiny, [spec]), rounds=3)
    assert found.routing_overhead is not None
    assert replace(found, routing_overhead=None) == kept  # what was known is not measured again
    assert len(found.routing_overhead.validation) == 7
    latency = predict(found, spec)
    assert latency.worst_ms is not None
    assert latency.mean_ms < latency.worst_ms
    again = host_profile(spec)
    assert [validation.spec for validation in again.routing_overhead.validation] == [
        validation.spec for validation in found.routing_overhead.validation
    ]
