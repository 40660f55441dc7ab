"""The shipped space over every named teacher: valid by construction, relative, and reaching the teacher."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from typing import Any

import pytest

from compress.core import TRACKERS, BypassSpec, ExitSpec, LayerSpec, TrackerSpec, UsageError, describe, kept_dims
from compress.spaces import KNOBS, Space, knob_and_layer, load_space, space_names
from compress.spaces.patterns import PATTERNS

SPACE = load_space("ostrack")
FULL = load_space("full")
NANO = describe("ostrack-nano")


def pick(**values: Any) -> Any:
    """A chooser that takes these values, and each other knob's choice nearest the teacher."""
    same = {"depth": max, "dr_ratio": min, "mlp_ratio": max}
    return lambda name, choices: values.get(name, same.get(name, lambda c: c[0])(choices))


def build(teacher: TrackerSpec = NANO, **values: Any) -> TrackerSpec:
    return SPACE.spec(teacher, pick(**values))


def sources(spec: TrackerSpec) -> list[int]:
    return [layer.source for layer in spec.layers]


OWN = {
    "abtrack": "abtrack",
    "dytrack": "dytrack",
    "full": "",
    "hit": "hit",
    "litetrack": "litetrack",
    "mixformerv2": "mix",
    "ostrack": "",
    "per_layer": "ostrack",
    "resolution": "",
    "tokens": "ostrack",
}
"""Space to the start of the names of the teachers that lie in it."""


@pytest.mark.parametrize("space", space_names())
def test_every_space_reaches_its_own_teachers(space: str) -> None:
    names = [name for name in TRACKERS.names() if name.startswith(OWN[space])]
    assert names
    for name in names:
        teacher = describe(name)
        reached = load_space(space).spec(teacher, lambda knob, choices, t=teacher: _own(knob, choices, t))
        assert reached == teacher, name


def _own(knob: str, choices: Sequence[Any], teacher: TrackerSpec) -> Any:
    """The teacher's own value; FE/AI shares are rounded to layers, so any that gives as many AI layers will do."""
    knob, _ = knob_and_layer(knob)
    value = KNOBS[knob].default(teacher)
    if knob == "layers":
        return choices[0]  # at full depth every pattern keeps all
    if value in choices:
        return value
    if knob == "keep_after":  # the teacher's layers, said as shares
        alone = {c: Space("x", {knob: (c,)}).spec(teacher, lambda _, offered: offered[0]) for c in choices}
        return next(c for c, spec in alone.items() if spec == teacher)
    if knob != "interaction":
        return value
    depth = len(teacher.layers)
    shares = [c for c in choices if c != "joint" and round(float(Fraction(c)) * depth + 1e-9) == teacher.count("AI")]
    return shares[0]


@pytest.mark.parametrize("name", ["ostrack-nano", "ostrack256-ce", "litetrack-b6", "hit-tiny", "mixformerv2-s"])
def test_enumeration_is_distinct_and_holds_every_sample(name: str) -> None:
    teacher, rng = describe(name), random.Random(0)
    every = list(SPACE.enumerate(teacher))
    assert len(every) == len(set(every)) == len({spec.id for spec in every})
    assert len(every) <= SPACE.combinations(teacher)
    assert {SPACE.sample(teacher, rng) for _ in range(500)} <= set(every)
    assert all(spec.head == teacher.head and spec.search_size == teacher.search_size for spec in every)


def test_the_full_space_is_large_and_seldom_repeats() -> None:
    rng = random.Random(0)
    assert len({FULL.sample(NANO, rng) for _ in range(500)}) > 450
    assert len(set(islice(FULL.enumerate(NANO), 500))) == 500


@pytest.mark.parametrize("name", TRACKERS.names())
def test_nothing_is_asked_that_means_nothing(name: str) -> None:
    """No τ0 without bypass, exits at kept layers only, n_enf below the depth; and every sample is a valid tracker."""
    teacher, rng = describe(name), random.Random(1)
    for _ in range(100):
        asked: dict[str, Any] = {}

        def choose(knob: str, choices: Sequence[Any], asked: dict[str, Any] = asked) -> Any:
            asked[knob] = rng.choice(choices)
            return asked[knob]

        spec = FULL.spec(teacher, choose)
        assert ("tau0" in asked) == ("n_enf" in asked) == (asked["bypass"] != "never") == (spec.bypass is not None)
        assert ("adapters" in asked) == (asked["exits"] != "never")
        assert spec.bypass is None or (spec.bypass.tau0 == asked["tau0"] and spec.bypass.n_enf < len(spec.layers))
        assert all(0 < each.after <= len(spec.layers) for each in spec.exits)
        assert TrackerSpec.from_dict(spec.to_dict()) == spec


def test_bypass_and_exits_of_a_student() -> None:
    values = {"bypass": "learned", "tau0": 0.3, "n_enf": 4, "exits": "1/6 1/2", "adapters": 2}
    spec = FULL.spec(NANO, pick(**values))
    assert spec.bypass == BypassSpec(n_enf=4, tau0=0.3)
    assert spec.exits == (ExitSpec(2, adapter=2), ExitSpec(6, adapter=1), ExitSpec(12))
    shallow = FULL.spec(NANO, pick(depth=3, **values))
    assert shallow.bypass == BypassSpec(n_enf=2, tau0=0.3)
    assert shallow.exits == (ExitSpec(1, adapter=2), ExitSpec(2, adapter=1), ExitSpec(3))
    split = FULL.spec(NANO, pick(depth=8, interaction="1/2", **values))
    assert [each.after for each in split.exits] == [5, 8]  # neither 1 nor 4 of 8: the first four layers are FE
    merged = FULL.spec(NANO, pick(depth=2, **values))
    assert merged.exits == (ExitSpec(1, adapter=2), ExitSpec(2))


def test_dytrack_lies_in_the_space_of_a_plain_teacher_with_its_head() -> None:
    dytrack = describe("dytrack")
    plain = replace(dytrack, exits=())
    assert load_space("dytrack").spec(plain, pick(exits="1/6 1/2", adapters=2)) == dytrack


def test_exits_and_bypass_take_the_place_of_elimination() -> None:
    teacher, own = describe("ostrack256-ce"), {"keep_ratio": 0.7, "keep_after": "1/4 1/2 3/4"}
    assert FULL.spec(teacher, pick(**own)) == teacher
    assert {layer.keep for layer in FULL.spec(teacher, pick(bypass="learned", **own)).layers} == {None}


def test_combinations_count_what_applies() -> None:
    knobs = {
        "depth": (2, 3),
        "bypass": ("never", "learned"),
        "tau0": (0.2, 0.4),
        "n_enf": (1, 2, 3),
        "adapters": (0, 1),
    }
    assert Space("x", knobs).combinations(NANO) == 2 * (1 + 2 * 3)
    assert Space("x", {"tau0": (0.2, 0.4)}).combinations(describe("abtrack-vit")) == 2


def test_sampling_is_repeatable() -> None:
    first, second = (random.Random(7) for _ in range(2))
    assert [SPACE.sample(NANO, first) for _ in range(20)] == [SPACE.sample(NANO, second) for _ in range(20)]


def test_choices_are_json_scalars_and_always_the_same() -> None:
    asked: dict[str, set[str]] = {}
    rng = random.Random(0)

    def choose(name: str, choices: Sequence[Any]) -> Any:
        asked.setdefault(name, set()).add(json.dumps(choices))
        assert all(type(choice) in (str, int, float) for choice in choices)
        return rng.choice(choices)

    for _ in range(200):
        SPACE.spec(NANO, choose)
    assert set(asked) == set(SPACE.knobs)
    assert list(asked) == [knob for knob in KNOBS if knob in asked]
    assert all(len(seen) == 1 for seen in asked.values())


def test_a_choice_from_nowhere_is_refused() -> None:
    with pytest.raises(UsageError, match="depth must be one of 2, 3.* but 40 was chosen"):
        build(depth=40)


def test_depth_and_patterns() -> None:
    assert sources(build(depth=4, layers="even")) == [0, 4, 7, 11]
    assert sources(build(depth=4, layers="front")) == [0, 1, 2, 3]
    assert sources(build(depth=5, layers="ends")) == [0, 1, 2, 10, 11]
    assert sources(build(depth=2, layers="even")) == [0, 11]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_hold_at_every_depth(pattern: str) -> None:
    for of in range(1, 40):
        for depth in range(1, of + 1):
            kept = PATTERNS[pattern](depth, of)
            assert len(kept) == depth
            assert kept == sorted(set(kept))
            assert 0 <= kept[0] <= kept[-1] < of


@pytest.mark.parametrize(
    ("depth", "share", "interacting"), [(12, "1/4", 3), (9, "1/3", 3), (4, "1/2", 2), (2, "1/4", 1), (6, "1/4", 2)]
)
def test_interaction(depth: int, share: str, interacting: int) -> None:
    spec = build(depth=depth, interaction=share)
    assert [layer.attention for layer in spec.layers] == ["FE"] * (depth - interacting) + ["AI"] * interacting


def test_elimination_follows_its_layer_and_ends_with_joint_attention() -> None:
    teacher = describe("ostrack256-ce")
    assert [layer.keep for layer in build(teacher, depth=4, layers="even").layers] == [None, None, None, None]
    assert [layer.keep for layer in build(teacher, depth=4, layers="front").layers] == [None, None, None, 0.7]
    assert {layer.keep for layer in build(teacher, interaction="1/3").layers} == {None}


def test_dimension_reduction_and_mlp() -> None:
    kept = kept_dims(128, 4, 0.25)
    layer = build(dr_ratio=0.25, mlp_ratio=3).layers[5]
    assert (kept, layer.attn_dims, layer.mlp_dims, layer.mlp_hidden) == (96, 96, 96, 288)
    assert build(mlp_ratio=2).layers[0] == LayerSpec(0, 256)


def test_litetrack_b9_lies_in_the_space_of_ostrack256() -> None:
    """Its layers, that is: final norm and target token are no knobs."""
    spec = build(describe("ostrack256"), depth=9, layers="front", interaction="1/3")
    assert spec.layers == describe("litetrack-b9").layers


def test_choices_beyond_the_teacher_mean_its_own() -> None:
    space = Space("x", {"depth": (2, 6, 9), "mlp_ratio": (1, 3, 4)})
    teacher = TrackerSpec(dim=12, heads=3, layers=tuple(LayerSpec(i, 30) for i in range(5)))
    assert space.choices(teacher) == {"depth": (2, 5), "mlp_ratio": (1, 2.5)}
    assert teacher in set(space.enumerate(teacher))


@pytest.mark.parametrize("name", TRACKERS.names())
def test_a_space_without_knobs_holds_the_teacher_alone(name: str) -> None:
    assert list(Space("none", {}).enumerate(describe(name))) == [describe(name)]


def test_a_shallow_cut_of_a_split_teacher_still_interacts() -> None:
    spec = Space("x", {"depth": (1,), "layers": ("front",)}).sample(describe("litetrack-b9"), random.Random(0))
    assert [layer.attention for layer in spec.layers] == ["AI"]


def test_a_reduced_teacher_is_reduced_further() -> None:
    layers = (LayerSpec(0, 300, attn_dims=96, mlp_dims=100),)
    teacher = TrackerSpec(dim=128, heads=4, layers=layers)
    reduced = Space("x", {"dr_ratio": (0.5,)}).sample(teacher, random.Random(0)).layers[0]
    assert (reduced.attn_dims, reduced.mlp_dims, reduced.mlp_hidden) == (48, 52, 156)
