"""Stacks and what is read off them, on times made from known costs."""

import dataclasses

import pytest

from compress.core import LayerSpec, TrackerSpec, describe
from compress.measure import Corners
from compress.measure.stacks import Depths, held_out, parts, stacks
from compress.profiles import Family, Profile, Ratios, network_low_ms
from compress.spaces import load_space

NANO = describe("ostrack-nano")
DEPTHS = Depths(shallow=4, deep=12)


def _layer_cost(layer: LayerSpec) -> float:
    base = {"joint": 3.0, "FE": 1.0, "AI": 2.0, "asymmetric": 2.5}[layer.attention]
    attn = 1.0 if layer.attn_dims is None else 0.5 + layer.attn_dims / 100
    inputs = 100 if layer.mlp_dims is None else 10 + layer.mlp_dims
    return base + attn + layer.mlp_hidden * inputs / 10_000


def _cost(spec: TrackerSpec) -> float:
    return {"joint": 7.0, "split": 5.0, "asymmetric": 6.0}[spec.attention] + sum(map(_layer_cost, spec.layers))


def _profile(corners: Corners) -> Profile:
    times = {spec: _cost(spec) for spec in stacks(NANO, corners, DEPTHS)}
    fixed, blocks = parts(NANO, corners, DEPTHS, times.__getitem__)
    ratios = Ratios(1.0, 1.0, 1.0, 1.0)
    family = Family.of(NANO)
    return Profile("toy", "toy", "toy", 1, family, fixed, blocks, loop_ms=1.0, ratios=ratios, runs=1, warmup=0)


def test_known_costs_are_found_again() -> None:
    profile = _profile(Corners.of(NANO))
    assert profile.fixed_ms == pytest.approx({"joint": 7.0, "split": 5.0})
    for spec in (NANO, *held_out(NANO, Corners.of(NANO)).values()):
        assert network_low_ms(profile, spec) == pytest.approx(_cost(spec))


def test_every_student_of_the_space_is_covered() -> None:
    space = load_space("ostrack")
    profile = _profile(Corners.of_space(NANO, space))
    count = 0
    for spec in space.enumerate(NANO):
        assert network_low_ms(profile, spec) == pytest.approx(_cost(spec))
        count += 1
    assert count > 1000


def test_asymmetric_layers_are_measured_where_a_spec_has_them() -> None:
    layers = tuple(dataclasses.replace(layer, attention="asymmetric") for layer in NANO.layers)
    spec = dataclasses.replace(NANO, layers=layers)
    corners = Corners.of(NANO, [spec])
    assert corners.attentions == ("joint", "asymmetric", "FE", "AI")
    assert network_low_ms(_profile(corners), spec) == pytest.approx(_cost(spec))


def test_corners_reach_as_far_as_their_specs() -> None:
    wide = dataclasses.replace(NANO, layers=(LayerSpec(0, 900, attn_dims=12, mlp_dims=3),))
    corners, default = Corners.of(NANO, [wide]), Corners.of(NANO)
    assert (default.mlp_hidden, default.attn_dims, default.mlp_dims) == ((64, 512), (64, 124), (64, 124))
    assert (corners.mlp_hidden, corners.attn_dims, corners.mlp_dims) == ((64, 900), (12, 124), (3, 124))
    assert default.within(corners)
    assert not corners.within(default)
    assert default.union(corners) == corners


def test_held_out_trackers_differ_from_the_stacks() -> None:
    corners = Corners.of(NANO)
    held = set(held_out(NANO, corners).values())
    assert len(held) == 6
    measured = set(stacks(NANO, corners, DEPTHS)) - {NANO}
    assert not held & measured
