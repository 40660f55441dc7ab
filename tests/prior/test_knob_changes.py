"""Changes, one knob at a time, against figures worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from compress.core import BypassSpec, ExitSpec, TrackerSpec, UsageError, describe
from compress.prior import CHANGES, changes
from compress.testing.plain_vit_students import TEACHER, each_layer, student


def _only(name: str, value: float) -> object:
    return pytest.approx([value if each == name else 0.0 for each in CHANGES])


def _split(fe: int, ai: int) -> TrackerSpec:
    kinds = ["FE"] * fe + ["AI"] * ai
    layers = tuple(replace(layer, attention=kind) for layer, kind in zip(TEACHER.layers, kinds, strict=False))
    return replace(TEACHER, layers=layers)


@pytest.mark.parametrize(
    ("choices", "name", "value"),
    [
        ({}, "depth", 0),
        ({"depth": 4}, "depth", 2),
        ({"depth": 8, "layers": "front"}, "depth", 0.5),
        ({"interaction": "1/2"}, "interaction", 0),
        ({"interaction": "1/4"}, "interaction", 0.25),
        ({"mlp_ratio": 1}, "mlp", 1),
        ({"mlp_ratio": 2}, "mlp", 0.5),
        ({"dr_ratio": 0.5}, "dimensions", 1),
        ({"dr_ratio": 0.25}, "dimensions", 1 / 3),
        ({"bypass": "learned"}, "bypass", 1 / 3),
        ({"bypass": "learned", "tau0": 0.6, "n_enf": 4}, "bypass", 0.4),
        ({"exits": "1/6 1/2"}, "exits", 2),
        ({"exits": "1/6 1/2", "adapters": 0}, "exits", 5),
    ],
)
def test_one_knob_is_one_change(choices: dict[str, object], name: str, value: float) -> None:
    assert changes(TEACHER, student(**choices)) == _only(name, value)


def test_all_layers_interacting_is_as_far_from_half_as_it_gets() -> None:
    assert changes(TEACHER, _split(0, 8))[:2] == pytest.approx((0.5, 1))


def test_fewer_search_tokens() -> None:
    wide, narrow = replace(TEACHER, search_size=288), replace(TEACHER, search_size=224)
    assert changes(wide, narrow) == _only("resolution", 18**2 / 14**2 - 1)


def test_bypass_at_reduced_depth() -> None:
    found = dict(zip(CHANGES, changes(TEACHER, student(depth=4, bypass="learned")), strict=True))
    assert (found["depth"], found["bypass"]) == pytest.approx((2, 3 * 0.4 * 2 / 4))


def test_bypass_skips_only_layers_on_the_path_to_the_exit() -> None:
    """Exits behind 6 and 12 layers, one adapter layer at the first; layers from the third on may be skipped."""
    spec = student(bypass="learned", exits="1/2", adapters=1)
    first = dict(zip(CHANGES, changes(TEACHER, spec), strict=True))
    assert (first["exits"], first["bypass"]) == pytest.approx((12 / 7 - 1, 12 / 7 * 0.4 * 4 / 7))
    last = dict(zip(CHANGES, changes(TEACHER, spec, (0, 1)), strict=True))
    assert (last["exits"], last["bypass"]) == pytest.approx((0, 0.4 * 10 / 12))


def test_what_a_student_has_more_of_counts_nothing() -> None:
    small = student(depth=6, mlp_ratio=2, dr_ratio=0.5, bypass="learned")
    assert changes(small, TEACHER) == (0,) * 7


def test_a_compressed_teacher_is_the_reference() -> None:
    teacher = replace(TEACHER, bypass=BypassSpec(n_enf=2, tau0=0.1))
    harder = replace(TEACHER, bypass=BypassSpec(n_enf=2, tau0=0.9))
    assert changes(teacher, harder) == _only("bypass", 0.8 * 10 / 12)
    assert changes(harder, teacher) == _only("bypass", 0)


def test_which_dimensions_mlp_ratio_is_of() -> None:
    """A quarter of the input less, and hidden units in proportion: the ratio is the same."""
    narrow = each_layer(TEACHER, lambda layer: {"mlp_dims": 576, "mlp_hidden": 4 * 576})
    assert changes(TEACHER, narrow) == _only("dimensions", 1 / 0.875 - 1)


def test_levit_widths_are_those_of_the_stage() -> None:
    teacher = describe("hit-small")
    thin = each_layer(teacher, lambda layer: {"mlp_hidden": teacher.stages[layer.stage].dim})
    assert changes(teacher, thin) == _only("mlp", 8 / 6 - 1)


def test_frames_are_averaged_over_exits() -> None:
    exits = (ExitSpec(2, adapter=2), ExitSpec(6, adapter=1), ExitSpec(12))
    spec = replace(TEACHER, exits=exits)
    assert changes(TEACHER, spec, (0, 0, 1)) == _only("exits", 0)
    assert changes(TEACHER, spec, (0.5, 0.25, 0.25)) == _only("exits", 0.5 * 2 + 0.25 * 5 / 7)


@pytest.mark.parametrize("shares", [(), (1.0,), (0.5, 0.4), (1.5, -0.5)])
def test_shares_that_do_not_fit(shares: tuple[float, ...]) -> None:
    with pytest.raises(UsageError, match="2 numbers"):
        changes(TEACHER, student(exits="1/2"), shares)


def test_shares_without_exits() -> None:
    with pytest.raises(UsageError, match="0 numbers"):
        changes(TEACHER, student(depth=6), (1.0,))


@pytest.mark.parametrize("other", ["ostrack-nano", "hit-base", "abtrack-deit"])
def test_strangers_are_refused(other: str) -> None:
    with pytest.raises(UsageError, match="is no compressed"):
        changes(TEACHER, describe(other))
