"""Stages that a recipe names: to which students they apply, and that they are those of the functions they name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from compress.core import BypassSpec, TrackerSpec, UsageError
from compress.distill import Checkpoint, Pool, StudentRecipe, distill_progressively, distill_with_replacement
from compress.distill.feature_distillation import feature_distillation, feature_loss
from compress.distill.procedure import StudentProcedure
from compress.distill.staged import distill_in_stages, stage_of, states
from compress.models import Tracker
from compress.testing.small_trackers import ELIMINATING, LEVIT, SPEC, STUDENT, shorter

CPU = torch.device("cpu")
FADING, STANDING_IN = StudentProcedure(progressive=0.5), StudentProcedure(replacement=True)
BETWEEN = StudentProcedure(intermediate=0.25)
SPLIT = replace(STUDENT, layers=tuple(replace(x, attention="AI") for x in STUDENT.layers))


@pytest.mark.parametrize(
    ("procedure", "teacher", "spec", "stage"),
    [
        (FADING, SPEC, STUDENT, "progressive"),
        (FADING, SPEC, SPLIT, "progressive"),
        (FADING, SPEC, SPEC, ""),
        (FADING, SPEC, replace(STUDENT, bypass=BypassSpec(n_enf=1)), ""),
        (BETWEEN, SPEC, STUDENT, "intermediate"),
        (BETWEEN, LEVIT, shorter(LEVIT), ""),
        (STANDING_IN, SPEC, STUDENT, "replacement"),
        (STANDING_IN, SPEC, SPLIT, ""),
        (STANDING_IN, ELIMINATING, STUDENT, ""),
        (StudentProcedure(), SPEC, STUDENT, ""),
    ],
)
def test_stages_apply_where_they_can(
    procedure: StudentProcedure, teacher: TrackerSpec, spec: TrackerSpec, stage: str
) -> None:
    assert stage_of(procedure, teacher, spec, 8) == stage


def test_two_steps_are_the_least_of_a_stage_with_a_share() -> None:
    assert stage_of(FADING, SPEC, STUDENT, 1) == ""
    assert stage_of(STANDING_IN, SPEC, STUDENT, 1) == "replacement"


def test_a_share_of_the_steps_is_the_stages(teacher: Tracker, pool: Pool) -> None:
    budget = {"seed": 0, "device": CPU}
    fading = replace(StudentRecipe(batch=2), procedure=FADING)
    standing = replace(fading, procedure=STANDING_IN)
    pairs = [
        (
            distill_in_stages(teacher, STUDENT, pool, fading, steps=3, **budget),
            distill_progressively(teacher, STUDENT, pool, fading, fade_steps=2, steps=1, **budget),
        ),
        (
            distill_in_stages(teacher, STUDENT, pool, standing, steps=2, **budget),
            distill_with_replacement(teacher, STUDENT, pool, standing, steps=2, **budget),
        ),
    ]
    for found, wanted in pairs:
        assert all(torch.equal(value, wanted.state_dict()[name]) for name, value in found.state_dict().items())
    with pytest.raises(UsageError, match="no stage"):
        distill_in_stages(teacher, STUDENT, pool, StudentRecipe(), steps=2, **budget)


@pytest.mark.parametrize("procedure", [FADING, BETWEEN])
def test_all_states_that_a_training_leaves_are_named(
    procedure: StudentProcedure, teacher: Tracker, pool: Pool, tmp_path: Path
) -> None:
    recipe, path = replace(StudentRecipe(batch=2), procedure=procedure), tmp_path / "state.safetensors"
    distill_in_stages(teacher, STUDENT, pool, recipe, steps=2, seed=0, device=CPU, checkpoint=Checkpoint(path))
    left = {each for each in tmp_path.iterdir() if each.suffix == ".safetensors"}
    assert len(left) == 2
    assert left <= set(states(path))


def test_the_last_of_the_matched_layers_alone() -> None:
    torch.manual_seed(0)
    mine, theirs = [torch.randn(1, 4, 32) for _ in range(4)], {i: torch.randn(1, 4, 32) for i in (0, 3)}
    first, last = (feature_loss(mine[i], theirs[i]) for i in (0, 3))
    torch.testing.assert_close(feature_distillation(SPEC, mine, SPEC, theirs)["feature"], (first + last) / 2)
    torch.testing.assert_close(feature_distillation(SPEC, mine, SPEC, theirs, last=True)["feature"], last)
