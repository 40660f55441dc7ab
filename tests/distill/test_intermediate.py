"""Intermediate teachers: which layers they have, that students inherit the right ones, and that both stages train."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from compress.core import BypassSpec, UsageError, describe
from compress.distill import Pool, StudentRecipe, distill, distill_with_intermediate, removal_order, to_input
from compress.distill.intermediate import inherited_through, intermediate_spec
from compress.distill.losses import ground_truth_loss
from compress.models import Tracker
from compress.spaces import Space
from compress.surgery import inherit
from compress.testing.small_trackers import SPEC, STUDENT

CPU = torch.device("cpu")
NANO = describe("ostrack-nano")


def _student(**knobs: object) -> Space:
    return Space("one", {name: (value,) for name, value in knobs.items()})  # type: ignore[misc]


def test_between_twelve_layers_and_four_are_eight_with_the_students_among_them() -> None:
    spec = _student(depth=4, interaction="1/2", mlp_ratio=2).spec(NANO, lambda _, choices: choices[0])
    found = intermediate_spec(NANO, spec)
    sources = [layer.source for layer in found.layers]
    assert sources == [0, 2, 4, 5, 7, 8, 10, 11]
    assert {0, 4, 7, 11} == {layer.source for layer in spec.layers} <= set(sources)
    assert {layer.mlp_hidden for layer in found.layers} == {NANO.layers[0].mlp_hidden}, "as wide as the teacher"
    kinds = {layer.source: layer.attention for layer in found.layers}
    assert [kinds[layer.source] for layer in spec.layers] == [layer.attention for layer in spec.layers]
    assert [layer.attention for layer in found.layers] == sorted(kinds.values(), reverse=True), "FE, then AI"


def test_through_an_untrained_intermediate_a_student_inherits_what_it_would_from_the_teacher(teacher: Tracker) -> None:
    thin = replace(STUDENT, layers=tuple(replace(layer, mlp_hidden=20) for layer in STUDENT.layers))
    between = inherit(teacher, intermediate_spec(SPEC, thin))
    assert [layer.source for layer in between.spec.layers] == [0, 2, 3]
    direct = inherit(teacher, thin).state_dict()
    found = inherited_through(between, thin)
    assert found.spec == thin
    assert all(torch.equal(value, direct[name]) for name, value in found.state_dict().items())


def test_both_stages_train(teacher: Tracker, pool: Pool) -> None:
    recipe = StudentRecipe(batch=4)
    budget = {"seed": 0, "device": CPU}
    found = distill_with_intermediate(teacher, STUDENT, pool, recipe, first_steps=2, steps=1, **budget)
    between = inherit(teacher, intermediate_spec(SPEC, STUDENT))
    between = distill(between, pool, recipe, steps=2, **budget)
    by_hand = distill(inherited_through(between, STUDENT), pool, recipe, steps=1, **budget)
    assert all(torch.equal(value, by_hand.state_dict()[name]) for name, value in found.state_dict().items())
    assert not found.training


def test_students_without_an_intermediate_are_refused() -> None:
    with pytest.raises(UsageError, match="all of its teacher's layers"):
        intermediate_spec(SPEC, SPEC)
    with pytest.raises(UsageError, match="without bypass"):
        intermediate_spec(SPEC, replace(STUDENT, bypass=BypassSpec(n_enf=1)))


def test_the_layer_goes_first_without_which_the_loss_is_the_least(teacher: Tracker, pool: Pool) -> None:
    def loss(*layers: int) -> float:
        spec = replace(SPEC, layers=tuple(SPEC.layers[i] for i in layers))
        crops = (to_input(each[:8]) for each in (pool.template, pool.search))
        with torch.no_grad():
            return float(ground_truth_loss(inherit(teacher, spec).eval()(*crops).maps, pool.boxes[:8])["loss"])

    first, second = removal_order(teacher, pool, least=2, pairs=8)
    by_first = {0: loss(1, 2, 3), 1: loss(0, 2, 3), 2: loss(0, 1, 3), 3: loss(0, 1, 2)}
    assert first == min(by_first, key=lambda i: by_first[i])
    left = [i for i in range(4) if i != first]
    by_second = {i: loss(*(each for each in left if each != i)) for i in left}
    assert second == min(by_second, key=lambda i: by_second[i])
    assert len(set(by_first.values())) == 4
