"""Each knob alone and all jointly: what arms may change, what they train for a bound, what they end with."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from types import ModuleType

import pytest

from compress.core import describe
from compress.driver.students import Students
from compress.latency import LatencyByPrecision, MeasuredLatency
from compress.measure import Coverage
from compress.testing.recorded_profile import recorded_profile

NANO = describe("ostrack-nano")
CHANGED = {
    "depth": {"layers"},
    "MLP width": {"layers"},
    "dimensions": {"layers"},
    "FE/AI split": {"layers"},
    "tokens": {"layers", "keep_by", "keep_least"},
    "template tokens": {"keep_template"},
    "resolution": {"search_size", "template_size"},
    "int8": {"precision"},
    "bypass": {"bypass"},
    "exits": {"exits"},
}


@pytest.fixture(scope="module")
def arms() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
        import knobs_arms

        yield knobs_arms
    for name in ("knobs_arms", "knobs_front", "knobs_plot", "knobs", "csv_files", "table"):
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def model(arms: ModuleType) -> LatencyByPrecision:
    fp32 = recorded_profile(NANO, replace(Coverage.of_space(NANO, arms.every_knob()), precisions=()))
    int8 = replace(fp32, precision="int8")
    return LatencyByPrecision((("fp32", MeasuredLatency(fp32)), ("int8", MeasuredLatency(int8))))


def test_an_arm_changes_what_it_is_named_after_alone(arms: ModuleType) -> None:
    alone = {name: changed for name, changed in CHANGED.items() if name in arms.spaces()}
    assert set(alone) == set(arms.spaces()) - {*arms.JOINT}
    for name, changed in alone.items():
        found = set()
        for spec in arms.spaces()[name].enumerate(NANO):
            found |= {each.name for each in fields(NANO) if getattr(spec, each.name) != getattr(NANO, each.name)}
        assert found == changed, name


def test_joint_arms_offer_every_choice_of_the_static_ones(arms: ModuleType) -> None:
    every = arms.spaces()
    for joint in arms.JOINT:
        offered = every[joint].knobs
        without = {"int8"} if joint == arms.SEEDED_FP32 else set()
        static = [name for name in every.keys() & arms.ALONE if name not in {*arms.PER_FRAME, *without}]
        assert set(offered) == {knob for name in static for knob in every[name].knobs}
        for name in static:
            assert every[name].knobs.items() <= offered.items()


@pytest.mark.parametrize("speedup", [1.5, 2.0])
def test_arms_that_decide_per_frame_train_two_kinds_within_the_bound(
    arms: ModuleType, model: LatencyByPrecision, speedup: float
) -> None:
    bound, nobody = arms.Bound(speedup, model, NANO), object.__new__(Students)
    for name in arms.PER_FRAME:
        chosen, scored = arms.listed(arms.spaces()[name], bound, nobody, 8)
        assert scored == 0
        assert len({each.spec for each in chosen[:2]}) == 2
        assert all(bound.keeps(each.spec) for each in chosen)


def test_seeds_are_as_deep_as_the_bound_allows(arms: ModuleType, model: LatencyByPrecision) -> None:
    space, bound = arms.spaces()[arms.SEEDED], arms.Bound(2.0, model, NANO)
    seeds = arms.beside_depth(space, bound)
    assert len(seeds) > 8
    for seed in seeds:
        assert bound.keeps(space.spec(NANO, lambda name, values, k=seed: k.get(name, values[0])))
        deeper = seed | {"depth": min(seed["depth"] + 1, len(NANO.layers))}
        assert deeper == seed or not bound.keeps(
            space.spec(NANO, lambda name, values, k=deeper: k.get(name, values[0]))
        )


def test_an_arm_is_given_its_most_accurate_student_within_the_bound(arms: ModuleType, tmp_path: Path) -> None:
    import knobs_front

    lines = [
        {"arm": "depth", "bound": "2.0", "spec_id": "slow", "speedup": "1.99", "ao": "0.9"},
        {"arm": "depth", "bound": "2.0", "spec_id": "less", "speedup": "2.1", "ao": "0.7"},
        {"arm": "depth", "bound": "4.0", "spec_id": "best", "speedup": "4.1", "ao": "0.8"},
        {"arm": "MLP width", "bound": "2.0", "spec_id": "thin", "speedup": "1.4", "ao": ""},
    ]
    depth, mlp = knobs_front.chosen(lines, 2.0, {"slow": (1.9, 1.8, 2.0, 3.0)})
    assert depth.line["spec_id"] == "best"  # faster than asked is no fault
    depth, _ = knobs_front.chosen(lines, 2.0, {"slow": (1.97, 1.9, 2.1, 3.0)})
    assert depth.line["spec_id"] == "slow"  # what was measured goes before what was predicted
    assert (mlp.line, mlp.most) == (None, 1.4)


def test_differences_are_paired_and_an_arm_has_none_from_itself(arms: ModuleType) -> None:
    import knobs_front

    entries = [knobs_front.Entry(arm, 2.0, {"spec_id": name}, 2.0) for arm, name in (("depth", "a"), ("joint", "b"))]
    overlaps = {"a": [0.5, 0.1, 0.9], "b": [0.6, 0.2, 1.0]}
    assert knobs_front._less("a", "joint", entries, 2.0, overlaps) == ["-0.1000", "0.0000"]
    assert knobs_front._less("b", "joint", entries, 2.0, overlaps) == ["", ""]
    assert knobs_front._less("a", "joint", entries, 3.0, overlaps) == ["", ""]
