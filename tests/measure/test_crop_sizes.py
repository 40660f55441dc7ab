"""Profiles that cover students of smaller crops, on times made from known costs."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from compress.core import LayerSpec, TrackerSpec, describe
from compress.latency import (
    Family,
    Profile,
    Ratios,
    UncoveredError,
    load_profile,
    network_p10_ms,
    predict,
    save_profile,
)
from compress.measure import Coverage
from compress.measure.stacks.table import Depths, stacks_of, validation_set
from compress.measure.stacks.trackers import with_template
from compress.spaces import Space, load_space
from compress.testing.recorded_profile import recorded_profile

NANO = describe("ostrack-nano")
SIZES = {"search_size": (1, "3/4", "1/2"), "template_size": (1, "3/4", "1/2")}
SMALL_CROPS = Space("x", {"depth": (2, 12), "interaction": ("joint", "1/3"), **SIZES})
KEEPING = Space("x", {"keep_ratio": ("never", 0.35), "keep_after": ("first", "1/4 1/2 3/4"), **SIZES})


def _layer_cost(layer: LayerSpec, enter: int, leave: int, templates: int) -> float:
    """In proportion to the tokens: of search and templates in joint layers, of the search crop in others."""
    beside = templates if layer.attention == "joint" else 0
    attention = 0.01 * (enter + beside) * (0.7 if layer.attn_dims else 1.0)
    mlp = 1e-5 * layer.mlp_hidden * (leave + beside) * (0.6 if layer.mlp_dims else 1.0)
    return attention + mlp + (0.4 if layer.keep else 0.0)


def _cost(spec: TrackerSpec) -> float:
    counts = (spec.search_tokens, *spec.search_tokens_after)
    layers = (_layer_cost(x, counts[i], counts[i + 1], spec.template_tokens) for i, x in enumerate(spec.layers))
    return 2 + 0.02 * spec.search_tokens + sum(layers)


def _profile(teacher: TrackerSpec, coverage: Coverage) -> Profile:
    stacks = stacks_of(teacher, coverage, Depths(shallow=4, deep=12))
    times = {spec: _cost(spec) for spec in stacks.trackers()}
    parts = stacks.components(times.__getitem__)
    known = replace(recorded_profile(teacher, coverage), overhead=parts.overhead, blocks=parts.blocks)
    return replace(known, elimination_ms=parts.elimination_ms, ratios=Ratios(1.0, 1.0, 1.0, 1.0))


@pytest.mark.parametrize("space", [SMALL_CROPS, KEEPING], ids=["depth", "tokens"])
def test_every_student_costs_what_it_takes(space: Space) -> None:
    """Of any crops between those that were measured, also where tokens are eliminated of the smallest."""
    coverage = Coverage.of_space(NANO, space)
    assert coverage.sizes == ((64, 32), (96, 48))
    profile = _profile(NANO, coverage)
    assert not list(profile.problems())
    specs = [*space.enumerate(NANO), *validation_set(NANO, coverage).values()]
    assert len({(spec.search_size, spec.template_size) for spec in specs}) == 9
    for spec in specs:
        assert network_p10_ms(profile, spec) == pytest.approx(_cost(spec)), spec
        assert Coverage.of(NANO, [spec]).within(coverage)
    assert Coverage.covered(replace(profile, routing_overhead=None)) == coverage


def test_the_full_space_is_covered() -> None:
    space, rng = load_space("full"), random.Random(0)
    profile = _profile(NANO, Coverage.of_space(NANO, space))
    for spec in [space.sample(NANO, rng) for _ in range(200)]:
        if not spec.adaptive:
            assert network_p10_ms(profile, spec) > 0


def test_one_crop_may_vary_alone() -> None:
    space = Space("x", {"template_size": (1, "1/2"), "interaction": ("joint", "1/2")})
    coverage = Coverage.of_space(NANO, space)
    assert (coverage.sizes, coverage.template_patches) == ((), (4, 16))
    profile = _profile(NANO, coverage)
    for spec in space.enumerate(NANO):
        assert network_p10_ms(profile, spec) == pytest.approx(_cost(spec))


def test_a_space_whose_templates_are_all_small_is_covered() -> None:
    coverage = Coverage.of_space(NANO, Space("x", {"keep_template": (0.5, 0.75)}))
    assert coverage.template_patches == (12, 16)


def test_small_templates_are_measured_with_as_many_patches_as_is_said() -> None:
    teacher = replace(NANO, template_size=128)
    sizes = {n: with_template(teacher, n) for n in (36, 52)}
    assert {n: len(spec.template_places) for n, spec in sizes.items()} == {36: 36, 52: 52}
    assert (sizes[36].template_size, sizes[52].template_size) == (96, 128), "a square of its own, and the middle"


def test_other_sizes_are_refused_by_name() -> None:
    tiny = replace(NANO, search_size=32, template_size=16)
    with pytest.raises(UncoveredError, match=r"template_size 16 \(it has 64\); search_size 32 \(it has 128\)"):
        predict(recorded_profile(NANO), tiny)
    with pytest.raises(UncoveredError, match=r"lacks search_size 32 \(it has 64 to 128\)\. Measure"):
        predict(_profile(NANO, Coverage.of_space(NANO, SMALL_CROPS)), tiny)


def test_a_profile_keeps_its_sizes(tmp_path: Path) -> None:
    profile = recorded_profile(NANO, Coverage.of_space(NANO, SMALL_CROPS))
    save_profile(profile, tmp_path / "profile.yaml")
    kept = load_profile(tmp_path / "profile.yaml")
    assert kept.sizes == ((64, 32), (96, 48))
    assert Coverage.covered(kept) == Coverage.covered(profile)
    assert kept.family == Family.of(NANO)


def test_sizes_are_part_of_what_is_covered() -> None:
    without, with_them = Coverage.of(NANO), Coverage.of_space(NANO, SMALL_CROPS)
    assert not with_them.within(without.union(replace(with_them, sizes=((96, 48),))))
    assert without.within(with_them)
    assert without.union(with_them) == with_them
    assert with_them.within(with_them)
    damaged = replace(with_them, sizes=((60, 32),))
    assert any("multiples of 16" in text for text in damaged.problems_for(NANO))


def test_levits_stay_at_their_sizes() -> None:
    assert Coverage.of_space(describe("hit-tiny"), Space("x", SIZES)).sizes == ()
