"""Students whose share of kept search tokens is chosen after training: at every step they keep another one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
import torch

from compress.core import TrackerSpec
from compress.distill import Pool, StudentRecipe
from compress.distill.objective import static_objective
from compress.distill.student import any_share, shares
from compress.models import Tracker, build
from compress.testing.small_trackers import ELIMINATING, SPEC

RECIPE = StudentRecipe(batch=4)
ANY = replace(ELIMINATING, keep_least=0.3)


def test_shares_are_few_and_even() -> None:
    assert shares(0.5) == pytest.approx((0.5, 0.6, 0.7, 0.8, 0.9, 1.0))


@torch.no_grad()
def test_a_step_is_one_of_the_student_that_keeps_the_share_drawn(
    awake_teacher: Callable[[str], tuple[Tracker, Pool]],
) -> None:
    """The loss is that of the same weights with that share in the spec, or none eliminated; then all is as before."""
    teacher, pool = awake_teacher("centre")
    batch = pool.batch(torch.arange(4), torch.device("cpu"))

    def network(spec: TrackerSpec) -> Tracker:
        model = build(spec).eval()
        model.load_state_dict(teacher.state_dict())
        return model

    def loss(model: Tracker) -> float:
        return float(static_objective(model, batch, RECIPE)["loss"])

    student = network(ANY)
    objective = any_share(student, lambda batch, step: static_objective(student, batch, RECIPE), 1)
    drawn = [Random(f"1 {step} kept").choice(shares(0.3)) for step in range(5)]
    assert {0.3, 1.0} < set(drawn)
    wanted = {share: loss(network(SPEC if share == 1 else ANY.keeping(share))) for share in set(drawn)}
    assert len(set(wanted.values())) == len(wanted)
    found = [float(objective(batch, step)["loss"]) for step in range(5)]
    assert found == pytest.approx([wanted[share] for share in drawn], rel=1e-4)
    assert loss(student) == loss(network(ANY))
