"""What deciding costs, found again from times made from known costs; and once measured for real."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from compress.core import BypassSpec, ExitSpec, HeadSpec, TrackerSpec, describe
from compress.measure import Corners, host_profile, profile_path
from compress.measure.adaptive_ways import fitted_ways, held_ways, static_part
from compress.measure.deciding import DecidingPlan, fit, fit_deciding
from compress.measure.effort import effort_of
from compress.profiles import (
    Block,
    Deciding,
    Family,
    Fixed,
    Held,
    Profile,
    Ratios,
    low_ms,
    predict,
    save_profile,
    way_ms,
)

NANO = describe("ostrack-nano")
KNOWN = Deciding(frame_ms=0.1, call_ms=0.05, exit_ms=0.03, layer_share=0.015)


def _profile(teacher: TrackerSpec) -> Profile:
    """Layers cost 0.2 ms with thin and 0.3 ms with wide MLPs, everything else 0.5 ms."""
    corners = Corners.of(teacher)
    ms = dict(zip(corners.mlp_hidden[0], (0.2, 0.3), strict=True))
    blocks = tuple(Block(k, hidden, ms[hidden], a, m) for a, hidden, m in corners.points for k in corners.attentions)
    fixed = (Fixed("joint", 0.5), Fixed("split", 0.5), Fixed("asymmetric", 0.5))
    ratios = Ratios(1.0, 1.0, 1.0, 1.0)
    family = Family.of(teacher)
    return Profile("toy", "toy", "toy", 1, family, fixed, blocks, loop_ms=0.2, ratios=ratios, runs=1, warmup=0)


def _times(teacher: TrackerSpec) -> list[tuple[TrackerSpec, object, float, float]]:
    profile = replace(_profile(teacher), deciding=KNOWN)
    ways = fitted_ways(teacher, Corners.of(teacher), effort_of(teacher))
    return [(spec, way, way_ms(profile, spec, way), low_ms(profile, static_part(spec, way))) for spec, way in ways]


def test_known_costs_are_found_again() -> None:
    found = fit(_profile(NANO), _times(NANO))  # type: ignore[arg-type]
    for name, ms in vars(KNOWN).items():
        assert name == "held" or getattr(found, name) == pytest.approx(ms)


@pytest.mark.parametrize("slower", [1.0, 1.7])
def test_a_machine_that_is_slower_now_changes_no_costs(slower: float) -> None:
    """Deciding may be measured long after the profile; shallow trackers timed for both tell the pace."""
    plan = DecidingPlan.of(NANO, Corners.of(NANO))
    truth = replace(_profile(NANO), deciding=KNOWN)
    known = tuple(Held(name, 1.0, low_ms(truth, spec)) for name, spec in plan.known.items())
    ms = [low_ms(truth, spec) if way is None else way_ms(truth, spec, way) for spec, way in plan.calls]
    found = fit_deciding(replace(truth, deciding=None, held=known), plan, np.array(ms)[:, None, None] * slower)
    assert [found.frame_ms, found.call_ms, found.exit_ms] == pytest.approx([0.1, 0.05, 0.03])
    assert found.layer_share == pytest.approx(0.015)
    assert len(found.held) == len(plan.held)
    assert found.mean_error == pytest.approx(0, abs=1e-9)


def test_heads_without_exits_have_bypass_only() -> None:
    """Of tokens-headed trackers nobody can tell what an exit would cost; nobody can ask for one either."""
    head = HeadSpec(kind="tokens", bins=8)
    teacher = replace(NANO, head=head, layers=tuple(replace(x, attention="asymmetric") for x in NANO.layers))
    ways = _times(teacher)
    assert not any(spec.exits for spec, _, _, _ in ways)
    found, profile = fit(_profile(teacher), ways), _profile(teacher)  # type: ignore[arg-type]
    for spec, way, ms, _ in ways:
        assert way_ms(replace(profile, deciding=found), spec, way) == pytest.approx(ms)  # type: ignore[arg-type]


def test_ways_held_back_are_other_ways() -> None:
    corners = Corners.of(NANO)
    held = {(spec, way) for _, spec, way in held_ways(NANO, corners, effort_of(NANO))}
    assert len(held) == 7
    assert not held & set(fitted_ways(NANO, corners, effort_of(NANO)))
    assert {spec.attention for spec, _ in held} == {"joint", "split"}


@pytest.mark.parametrize("name", ["ostrack-nano", "ostrack256", "litetrack-b4", "mixformerv2-s"])
def test_ways_fitted_to_are_within_the_corners_and_the_same_each_time(name: str) -> None:
    teacher = describe(name)
    corners, effort = Corners.of(teacher), effort_of(teacher)
    ways = fitted_ways(teacher, corners, effort)
    assert len(ways) == effort.ways == len({spec for spec, _ in ways})
    assert ways == fitted_ways(teacher, corners, effort)
    for spec, way in ways:
        way.check(spec)
        assert spec.adaptive
        assert Corners.of(teacher, [spec]).layers_within(corners)
        assert not static_part(spec, way).adaptive
        assert len(static_part(spec, way).layers) == way.layers(spec) <= effort.depths.deep


def test_what_deciding_costs_is_measured_when_asked_for(tiny: TrackerSpec) -> None:
    kept = replace(_profile(tiny), target="cpu")
    save_profile(kept, profile_path(tiny, 1))
    spec = replace(tiny, bypass=BypassSpec(n_enf=1), exits=(ExitSpec(2, adapter=1), ExitSpec(4)))
    assert host_profile(tiny) == kept
    found = host_profile(tiny, corners=Corners.of(tiny, [spec]), rounds=3)
    assert found.deciding is not None
    assert replace(found, deciding=None) == kept  # what was known is not measured again
    assert len(found.deciding.held) == 7
    assert found.deciding.frame_ms + found.deciding.call_ms + found.deciding.exit_ms > 0
    latency = predict(found, spec)
    assert latency.worst_ms is not None
    assert latency.mean_ms < latency.worst_ms
    again = host_profile(spec)
    assert [held.spec for held in again.deciding.held] == [held.spec for held in found.deciding.held]
