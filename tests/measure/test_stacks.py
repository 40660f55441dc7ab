"""Stacks and what is read off them, on times made from known costs."""

import dataclasses
import random
from pathlib import Path

import pytest

from compress.core import LayerSpec, TrackerSpec, describe
from compress.latency import Family, Profile, Ratios, UncoveredError, components_p10_ms, network_p10_ms
from compress.measure import Coverage
from compress.measure.stacks.table import Depths, stacks_of, validation_set
from compress.spaces import Space, load_space

NANO = describe("ostrack-nano")
ELIMINATING = dataclasses.replace(
    NANO, layers=tuple(dataclasses.replace(x, keep=0.7 if x.source in (3, 6, 9) else None) for x in NANO.layers)
)
DEPTHS = Depths(shallow=4, deep=12)

ATTENTION = {"joint": 3.0, "FE": 1.0, "AI": 2.0, "asymmetric": 2.5}
MLP = {"joint": 1.0, "FE": 0.7, "AI": 0.8, "asymmetric": 0.9}


SAVED = {"joint": 0.0, "FE": 0.0, "AI": 0.02, "asymmetric": 0.01}
"""By each template patch that does not go on, in each layer over all search tokens; of joint ones a token less."""


def _layer_cost(layer: LayerSpec, enter: int, leave: int, all_tokens: int) -> float:
    """Attention in proportion to the tokens that enter, the MLP to those that leave; both differ by attention."""
    gone = 0.0 if layer.heads is None else (1 - layer.heads / NANO.heads) * (layer.attn_dims or NANO.dim) / NANO.dim
    attn = 1.0 if layer.attn_dims is None else 0.5 + layer.attn_dims / 100
    inputs = 100 if layer.mlp_dims is None else 10 + layer.mlp_dims
    attention = ATTENTION[layer.attention] * (attn - gone) * (20 + enter) / (20 + all_tokens)
    mlp = MLP[layer.attention] * layer.mlp_hidden * inputs / 10_000 * (10 + leave) / (10 + all_tokens)
    return attention + mlp + layer.stage * 0.3 + (0.4 if layer.keep else 0.0)


def _cost(spec: TrackerSpec) -> float:
    counts = (spec.search_tokens, *spec.search_tokens_after)
    gone = spec.template_patches - len(spec.template_places)
    fewer = gone if spec.attention == "joint" else 0
    layers = (
        _layer_cost(x, counts[i] - fewer, counts[i + 1] - fewer, 64) - gone * SAVED[x.attention] * counts[i] / 64
        for i, x in enumerate(spec.layers)
    )
    return {"joint": 7.0, "split": 5.0, "asymmetric": 6.0}[spec.attention] + sum(layers)


def _profile(teacher: TrackerSpec, coverage: Coverage, *, sparing: bool = False) -> Profile:
    stacks = stacks_of(teacher, coverage, DEPTHS, sparing=sparing)
    times = {spec: _cost(spec) for spec in stacks.trackers()}
    parts = stacks.components(times.__getitem__)
    return Profile(
        target="toy",
        device="toy",
        runtime="toy",
        threads=1,
        family=Family.of(teacher),
        overhead=parts.overhead,
        blocks=parts.blocks,
        elimination_ms=parts.elimination_ms,
        loop_ms=1.0,
        ratios=Ratios(1.0, 1.0, 1.0, 1.0),
        runs=1,
        warmup=0,
        sizes=coverage.sizes,
    )


def test_known_costs_are_found_again() -> None:
    profile = _profile(NANO, Coverage.of(NANO))
    assert {part.attention: part.ms for part in profile.overhead} == pytest.approx({"joint": 7.0, "split": 5.0})
    for spec in (NANO, *validation_set(NANO, Coverage.of(NANO)).values()):
        assert network_p10_ms(profile, spec) == pytest.approx(_cost(spec))


@pytest.mark.parametrize("teacher", [NANO, ELIMINATING], ids=["plain", "eliminating"])
def test_students_of_the_space_are_covered(teacher: TrackerSpec) -> None:
    space, rng = load_space("ostrack"), random.Random(0)
    profile = _profile(teacher, Coverage.of_space(teacher, space))
    for spec in {space.sample(teacher, rng) for _ in range(300)}:
        assert network_p10_ms(profile, spec) == pytest.approx(_cost(spec))


@pytest.mark.parametrize("sparing", [False, True])
@pytest.mark.parametrize("teacher", [NANO, ELIMINATING], ids=["plain", "eliminating"])
def test_layers_of_any_widths_and_heads_cost_what_they_do(teacher: TrackerSpec, sparing: bool) -> None:
    space, rng = load_space("per_layer"), random.Random(0)
    coverage = Coverage.of_space(teacher, space)
    assert coverage.heads == (2, 4)
    profile = _profile(teacher, coverage, sparing=sparing)
    assert Coverage.covered(profile) == coverage
    found = [space.sample(teacher, rng) for _ in range(30)]
    for spec in (*found, *validation_set(teacher, coverage).values()):
        assert network_p10_ms(profile, spec) == pytest.approx(_cost(spec))
    assert {"fewer heads", "few heads"} <= set(validation_set(teacher, coverage))
    beyond = dataclasses.replace(teacher, layers=tuple(dataclasses.replace(x, heads=1) for x in teacher.layers))
    with pytest.raises(UncoveredError, match="with heads 1 .measured from 2 to 4"):
        network_p10_ms(profile, beyond)


def test_eliminated_tokens_are_not_paid_for() -> None:
    coverage = Coverage.of(ELIMINATING)
    assert coverage.search_tokens == (23, 45, 64)
    profile = _profile(ELIMINATING, coverage)
    assert profile.elimination_ms == pytest.approx(0.4)
    parts, counts = components_p10_ms(profile, ELIMINATING), (64, *ELIMINATING.search_tokens_after)
    assert parts.pop("rest") == pytest.approx(7.0)
    wanted = [_layer_cost(x, counts[i], counts[i + 1], 64) for i, x in enumerate(ELIMINATING.layers)]
    assert list(parts.values()) == pytest.approx(wanted)
    assert parts["layers.11"] < parts["layers.0"] < parts["layers.0"] + 0.4
    assert any(each.keep for spec in validation_set(ELIMINATING, coverage).values() for each in spec.layers)


def test_a_sparing_profile_works_out_what_it_does_not_time() -> None:
    """Where attention and MLP each differ by a factor from one kind of layer to the next, nothing is lost."""
    coverage = Coverage.of(ELIMINATING)
    everything = set(stacks_of(ELIMINATING, coverage, DEPTHS).trackers())
    spared = everything - set(stacks_of(ELIMINATING, coverage, DEPTHS, sparing=True).trackers())
    assert {spec.layers[0].attention for spec in spared} == {"FE", "AI"}
    assert len(spared) == 12
    full, sparing = (_profile(ELIMINATING, coverage, sparing=choice) for choice in (False, True))
    assert len(full.blocks) == len(sparing.blocks)
    for one, other in zip(full.blocks, sparing.blocks, strict=True):
        assert other == dataclasses.replace(one, ms=other.ms)
        assert other.ms == pytest.approx(one.ms)


def test_asymmetric_layers_are_measured_where_a_spec_has_them() -> None:
    layers = tuple(dataclasses.replace(layer, attention="asymmetric") for layer in NANO.layers)
    spec = dataclasses.replace(NANO, layers=layers)
    coverage = Coverage.of(NANO, [spec])
    assert coverage.attentions == ("joint", "asymmetric", "FE", "AI")
    assert network_p10_ms(_profile(NANO, coverage), spec) == pytest.approx(_cost(spec))


@pytest.mark.parametrize("name", ["hit-tiny", "hit-base"])
def test_every_stage_of_a_levit_has_its_own_layers(name: str) -> None:
    teacher, space = describe(name), load_space("hit")
    coverage = Coverage.of_space(teacher, space)
    assert coverage.mlp_hidden == tuple((stage.dim // 2, 2 * stage.dim) for stage in teacher.stages)
    profile = _profile(teacher, coverage)
    specs = [teacher, *space.enumerate(teacher), *validation_set(teacher, coverage).values()]
    assert len(specs) > 30
    for spec in specs:
        assert network_p10_ms(profile, spec) == pytest.approx(_cost(spec))
    assert Coverage.covered(profile) == coverage


def test_corners_reach_as_far_as_their_specs() -> None:
    wide = dataclasses.replace(NANO, layers=(LayerSpec(0, 900, attn_dims=12, mlp_dims=3, keep=0.1),))
    coverage, default = Coverage.of(NANO, [wide]), Coverage.of(NANO)
    assert (default.mlp_hidden, default.attn_dims, default.mlp_dims) == (((64, 512),), (64, 124), (64, 124))
    assert (coverage.mlp_hidden, coverage.attn_dims, coverage.mlp_dims) == (((64, 900),), (12, 124), (3, 124))
    assert (default.search_tokens, coverage.search_tokens) == ((), (7, 64))
    assert default.within(coverage)
    assert not coverage.within(default)
    assert default.union(coverage) == coverage
    assert Coverage.covered(_profile(NANO, coverage)) == coverage


def test_adaptive_knobs_do_not_multiply_the_corners() -> None:
    static, full = (Coverage.of_space(NANO, load_space(name)) for name in ("ostrack", "full"))
    fewer = {
        "search_tokens": (2, 32, 64),
        "template_patches": (4, 16),
        "sizes": ((64, 32), (96, 48)),
        "heads": (2, 4),
    }
    assert full == dataclasses.replace(static, decides=True, precisions=("int8",), **fewer)  # type: ignore[arg-type]
    assert not static.decides
    assert not Coverage.of_space(describe("hit-tiny"), load_space("full")).decides


@pytest.mark.parametrize("depths", ["[1, 2, 12]", "[12, 2, 1]"])
def test_students_of_fewer_tokens_are_covered(tmp_path: Path, depths: str) -> None:
    """In whatever order a space offers its choices; and trackers with fewer tokens validate what is predicted."""
    path = tmp_path / "fewer.yaml"
    keep = "keep_ratio: [never, 0.35, 0.7]\n  keep_after: [first, 1/4 1/2 3/4]"
    path.write_text(f"knobs:\n  depth: {depths}\n  interaction: [1/3, joint]\n  {keep}\n")
    space = load_space(path)
    coverage = Coverage.of_space(NANO, space)
    assert coverage.search_tokens == (4, 32, 64)
    assert not coverage.decides
    profile = _profile(NANO, coverage)
    for spec in space.enumerate(NANO):
        assert network_p10_ms(profile, spec) == pytest.approx(_cost(spec))
    validation = validation_set(NANO, coverage)
    assert [min(validation[name].search_tokens_after) for name in ("fewer tokens", "fewer in steps")] == [4, 5]
    assert all(Coverage.of(NANO, [each]).within(coverage) for each in validation.values())


def test_students_of_smaller_templates_are_covered() -> None:
    """Of every attention, in between by a straight line, and beside fewer search tokens; other trackers validate it."""
    knobs = {name: values for name, values in load_space("full").knobs.items() if not name.endswith("_size")}
    space, rng = Space("full but for crops", knobs), random.Random(0)
    coverage = Coverage.of_space(NANO, space)
    profile = _profile(NANO, coverage)
    assert Coverage.covered(profile) == dataclasses.replace(coverage, decides=False, precisions=())
    samples = [space.sample(NANO, rng).in_fp32 for _ in range(1500)]
    # Of reduced layers it is worked out in proportion, which what is saved here is not.
    static = [x for x in samples if not (x.bypass or x.exits or x.layers[0].attn_dims or x.layers[0].heads)]
    assert {(x.attention, len(x.template_places)) for x in static} >= {("joint", 4), ("joint", 12), ("split", 4)}
    for spec in static:
        assert network_p10_ms(profile, spec) == pytest.approx(_cost(spec))
    validation = validation_set(NANO, coverage)
    assert {len(validation[name].template_places) for name in ("small template", "split, small template")} == {4}
    whole = _profile(NANO, Coverage.of(NANO))
    with pytest.raises(UncoveredError, match=r"joint layers over search tokens 52 \(measured at 64 only\)"):
        network_p10_ms(whole, dataclasses.replace(NANO, keep_template=0.25))


def test_two_widths_of_mlp_are_always_measured() -> None:
    thin = dataclasses.replace(NANO, layers=(LayerSpec(0, 64),))
    assert Coverage.of(thin).mlp_hidden == ((64, 128),)


def test_held_out_trackers_differ_from_the_stacks() -> None:
    for teacher in (NANO, describe("hit-small"), describe("mixformerv2-s")):
        coverage = Coverage.of(teacher)
        validation = set(validation_set(teacher, coverage).values())
        assert len(validation) >= 5
        measured = set(stacks_of(teacher, coverage, DEPTHS).trackers()) - {teacher}
        assert not validation & measured
