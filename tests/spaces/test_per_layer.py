"""Widths and heads chosen layer by layer: names, what is asked, what is built, how many combinations there are."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compress.core import FileError, TrackerSpec, describe
from compress.driver.samplers.known_space import KnownSpace
from compress.driver.seed_configurations import seed_configurations
from compress.measure import Coverage
from compress.spaces import Scalar, Space, load_space, read_space
from compress.testing.small_teacher import small_teacher

NANO = describe("ostrack-nano")
LAYERS = load_space("per_layer")
THREE = replace(NANO, layers=NANO.layers[:3])
KNOBS: dict[str, tuple[Scalar, ...]] = {
    "depth": (1, 2, 3),
    "layers": ("even", "front"),
    "dr_ratio": (0, 0.5),
    "mlp_ratio": (4,),
}
SMALL_SPACE = Space("x", KNOBS | {"heads": (1, "1/2")}, per_layer=True)


def asked(space: Space, teacher: TrackerSpec, **values: Scalar) -> tuple[dict[str, Any], TrackerSpec]:
    """Choices asked for, the first of each unless given by the name with `_` for the dot."""
    found: dict[str, Any] = {}

    def choose(name: str, choices: Sequence[Any]) -> Any:
        found[name] = values.get(name.replace(".", "_"), choices[0])
        return found[name]

    return found, space.spec(teacher, choose)


def test_choices_are_named_by_the_teachers_layer_and_asked_where_it_is_kept() -> None:
    found, spec = asked(SMALL_SPACE, THREE, depth=2, heads_0="1/2", dr_ratio_2=0.5)
    by_layer = ["dr_ratio.0", "dr_ratio.2", "heads.0", "heads.2"]
    assert list(found) == ["depth", "layers", *by_layer, "mlp_ratio"]  # of one MLP ratio there is no choice by layer
    assert [(x.source, x.heads, x.attn_dims, x.mlp_hidden) for x in spec.layers] == [
        (0, 2, None, 512),
        (2, None, 64, 256),
    ]
    alike, together = asked(replace(SMALL_SPACE, per_layer=False), THREE, depth=2, heads="1/2", dr_ratio=0.5)
    assert list(alike) == ["depth", "layers", "dr_ratio", "heads", "mlp_ratio"]
    assert [(x.heads, x.attn_dims, x.mlp_hidden) for x in together.layers] == [(2, 64, 256)] * 2


def test_each_name_always_comes_with_the_same_choices() -> None:
    rng, offered = random.Random(0), LAYERS.choices(NANO)
    assert len(offered) == 2 + 3 * 12

    def choose(name: str, values: Sequence[Any]) -> Any:
        assert offered[name] == tuple(values), name
        return rng.choice(values)

    for _ in range(20):
        LAYERS.spec(NANO, choose)


def test_students_alike_in_all_layers_are_those_of_the_plain_space() -> None:
    plain = replace(SMALL_SPACE, per_layer=False)
    assert set(plain.enumerate(THREE)) < set(SMALL_SPACE.enumerate(THREE))


def test_combinations_are_counted_as_they_are_built() -> None:
    built = 0
    for depth, _ in itertools.product((1, 2, 3), ("even", "front")):
        built += 4**depth
    assert SMALL_SPACE.combinations(THREE) == built
    # Two patterns of three layers are one, and so are all with a depth of one.
    assert SMALL_SPACE.size(THREE) == 4 + 2 * 16 + 64
    known = KnownSpace(SMALL_SPACE, THREE, gate=_passing)
    assert len(known.all()) == SMALL_SPACE.size(THREE)


def _passing(spec: TrackerSpec) -> Any:
    class Check:
        passes, latency = True, type("Latency", (), {"mean_ms": 1.0})()

    return Check()


def test_draws_hold_thin_students_and_mixed_ones() -> None:
    rng = random.Random(0)
    means = []
    for _ in range(200):
        spec = Space("x", {"mlp_ratio": (1, 2, 3, 4)}, per_layer=True).sample(NANO, rng)
        means.append(sum(layer.mlp_hidden for layer in spec.layers) / len(spec.layers) / NANO.dim)
    assert min(means) == 1
    assert max(means) == 4
    assert len(set(means)) > 20


def test_seeds_have_layers_alike() -> None:
    first = next(iter(seed_configurations(LAYERS, NANO)))
    assert {value for name, value in first.items() if name.startswith("mlp_ratio.")} == {4}
    assert {value for name, value in first.items() if name.startswith("heads.")} == {1}
    assert set(first) <= set(LAYERS.choices(NANO))
    assert LAYERS.spec(NANO, lambda name, values: first.get(name, values[-1])) == NANO


def test_a_profile_of_the_space_covers_what_one_of_equal_layers_does() -> None:
    assert Coverage.of_space(NANO, LAYERS) == Coverage.of_space(NANO, replace(LAYERS, per_layer=False))


def test_levits_choose_what_they_can_vary() -> None:
    teacher = describe("hit-tiny")
    offered = LAYERS.choices(teacher)
    assert offered["heads"] == (1,)
    assert "mlp_ratio.0" in offered
    for seed in range(5):
        assert LAYERS.sample(teacher, random.Random(seed)).backbone == "levit"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("per_layer: 3\nknobs:\n  mlp_ratio: [1, 2]", "line 1: per_layer must be true or false but is '3'"),
        ("knobs:\n  depth: 3\nper_layer: true", "line 3: per_layer needs a knob in which layers may differ: dr_ratio"),
        ("per_layer: true\nknobs:\n  heads: [1, 0]", "line 3: heads must be a share of the heads above 0, at most 1"),
        ("knobs:\n  heads: [2]", "line 2: heads must be a share of the heads above 0, at most 1"),
    ],
)
def test_bad_values_are_refused_with_their_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(FileError) as error:
        read_space(path)
    assert words in str(error.value)


@pytest.mark.parametrize(("heads", "offered"), [(4, (1, "3/4", "1/2")), (2, (1, "1/2")), (1, (1,))])
def test_shares_that_leave_as_many_heads_are_one_choice(heads: int, offered: tuple[Scalar, ...]) -> None:
    teacher = replace(small_teacher(), heads=heads)
    assert Space("x", {"heads": (1, "3/4", "1/2")}).choices(teacher)["heads"] == offered
