"""Replacement training: which stage is whose, what the network then computes, and that it trains the student alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import cast

import pytest
import torch

from compress.core import BypassSpec, LayerSpec, TrackerSpec, UsageError
from compress.distill import Pool, StudentRecipe
from compress.distill.replacement import (
    distill_with_replacement,
    own_stages,
    probability,
    stages,
    standing_in,
)
from compress.models import Tracker, VitTracker
from compress.surgery import inherit
from compress.testing.small_trackers import ELIMINATING, LEVIT, SPEC, awake
from compress.testing.unseen_pairs import seen_pairs, unseen_losses

CPU = torch.device("cpu")
CROPS = torch.randn(2, 3, 32, 32), torch.randn(2, 3, 64, 64)
HALF = replace(SPEC, layers=(SPEC.layers[0], SPEC.layers[2]))
"""The first and the third of four layers."""


def _maps(model: Tracker) -> dict[str, torch.Tensor]:
    with torch.no_grad():
        maps: dict[str, torch.Tensor] = model(*CROPS).maps
    return maps


def test_each_layer_stands_for_the_teachers_up_to_the_next_one() -> None:
    assert stages(SPEC, HALF) == [range(0, 2), range(2, 4)]
    assert stages(SPEC, replace(SPEC, layers=(SPEC.layers[0], SPEC.layers[3]))) == [range(0, 3), range(3, 4)]


def test_the_probability_rises_from_a_half_to_one_and_stays() -> None:
    found = [probability(step, 100) for step in range(100)]
    assert found[0] == 0.5
    assert found == sorted(found)
    assert found[45] == pytest.approx(0.75)
    assert found[90:] == [1.0] * 10


def test_of_many_steps_as_many_stages_are_the_students_own_as_the_probability_says() -> None:
    drawn = [own_stages(4, step, 1000, seed=1) for step in range(1000)]
    assert drawn == [own_stages(4, step, 1000, seed=1) for step in range(1000)]
    assert drawn != [own_stages(4, step, 1000, seed=2) for step in range(1000)]
    early = [own for each in drawn[:100] for own in each]
    assert sum(early) / len(early) == pytest.approx(0.53, abs=0.08)
    assert all(all(each) for each in drawn[900:])


def test_with_all_stages_the_teachers_the_student_is_the_teacher() -> None:
    teacher = awake(SPEC)
    student = inherit(teacher, HALF)
    alone, whole = _maps(student), _maps(teacher)
    with standing_in(cast(VitTracker, student), cast(VitTracker, teacher), stages(SPEC, HALF)) as choose:
        torch.testing.assert_close(_maps(student), alone)
        choose([False, False])
        torch.testing.assert_close(_maps(student), whole)
        choose([True, False])
        half = _maps(student)
        assert not any(torch.equal(half[name], whole[name]) for name in whole)
        assert not any(each.requires_grad for each in teacher.parameters())
    torch.testing.assert_close(_maps(student), alone)
    assert any(each.requires_grad for each in teacher.parameters())


def test_a_student_comes_nearer_to_its_teacher_which_stays_as_it_was(
    awake_teacher: Callable[[str], tuple[Tracker, Pool]],
) -> None:
    teacher, pool = awake_teacher("centre")
    spec = replace(teacher.spec, layers=(teacher.spec.layers[0], teacher.spec.layers[2]))
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    recipe = StudentRecipe(batch=8, lr=1e-3, ema=0.9)
    trained = distill_with_replacement(teacher, spec, seen_pairs(pool), recipe, steps=16, seed=0, device=CPU)
    for name, value in teacher.state_dict().items():
        assert torch.equal(value, before[name]), name
    untrained, after = (unseen_losses(each, pool, recipe) for each in (inherit(teacher, spec), trained))
    assert after["feature"] < untrained["feature"]
    assert not any(block._forward_hooks for block in trained.modules())


@pytest.mark.parametrize(
    "spec",
    [
        LEVIT,
        ELIMINATING,
        replace(SPEC, bypass=BypassSpec(n_enf=1)),
        replace(SPEC, layers=(LayerSpec(0, 64, attention="FE"), LayerSpec(2, 64, attention="AI"))),
        replace(SPEC, layers=SPEC.layers[1:3]),
    ],
)
def test_trackers_whose_stages_cannot_be_exchanged_are_refused(spec: TrackerSpec) -> None:
    with pytest.raises(UsageError, match=r"Replacement training exchanges|have to begin with layer 0"):
        stages(SPEC, spec)
