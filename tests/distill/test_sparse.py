"""Relaxed dimension reduction: the penalty by hand, what is kept, and that nothing changes but what was learnt."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any, cast

import pytest
import torch

from compress.distill import Pool, StudentRecipe
from compress.distill.procedure import StudentProcedure
from compress.distill.sparse import RelaxedReduction, distill_sparsely, fold, ranking, reducing, wide_spec
from compress.distill.staged import stage_of
from compress.models import Tracker, VitTracker
from compress.models.blocks import Block
from compress.surgery import inherit
from compress.testing.small_trackers import SPEC, STUDENT

CPU = torch.device("cpu")
CROPS = torch.randn(2, 3, 32, 32), torch.randn(2, 3, 64, 64)
REDUCED = replace(STUDENT, layers=tuple(replace(x, attn_dims=24, mlp_dims=24, mlp_hidden=48) for x in STUDENT.layers))


def _maps(model: Tracker) -> dict[str, torch.Tensor]:
    with torch.no_grad():
        maps: dict[str, torch.Tensor] = model(*CROPS).maps
    return maps


def test_the_penalty_by_hand() -> None:
    relaxed = RelaxedReduction(2, 3)
    assert relaxed.penalty().item() == 2 * 2 * 3
    relaxed.diagonals[0].data = torch.tensor([[0.5, -1.0, 0.0], [2.0, 0.0, -0.25]])
    assert relaxed.penalty().item() == 1.5 + 2.25 + 6
    assert relaxed.of(0, "mlp.fc2", 6).tolist() == [2.0, 0.0, -0.25, 2.0, 0.0, -0.25]
    relaxed.penalty().backward()
    assert relaxed.diagonals[0].grad is not None
    assert relaxed.diagonals[0].grad.tolist() == [[1, -1, 0], [1, 0, -1]]


def test_ones_change_nothing_and_what_was_learnt_becomes_a_part_of_the_weights(teacher: Tracker) -> None:
    model = cast(VitTracker, deepcopy(teacher))
    relaxed, before = RelaxedReduction(4, SPEC.dim), _maps(model)
    with reducing(model, relaxed):
        torch.testing.assert_close(_maps(model), before, rtol=0, atol=0)
        for each in relaxed.diagonals:
            each.data = 1 + 0.5 * torch.randn_like(each)
        learnt = _maps(model)
    assert not torch.allclose(learnt["score_map"], before["score_map"])
    torch.testing.assert_close(_maps(model), before, rtol=0, atol=0)
    fold(model, relaxed)
    torch.testing.assert_close(_maps(model), learnt)


def test_the_highest_diagonals_are_kept_in_every_part_of_the_hidden_layer(teacher: Tracker) -> None:
    model, relaxed = teacher, RelaxedReduction(4, SPEC.dim)
    with torch.no_grad():
        relaxed.diagonals[3][0] = torch.arange(32.0)
        relaxed.diagonals[3][1] = -torch.arange(32.0).flip(0)
    for crops in (CROPS, None):
        student = cast(VitTracker, inherit(model, REDUCED, calibration=ranking(model, relaxed, crops)))
        last, source = (cast(Block, each.backbone.blocks[i]) for each, i in ((student, 1), (model, 3)))  # type: ignore[attr-defined]
        assert last.attn.kept.tolist() == list(range(8, 32))
        assert last.mlp.kept.tolist() == list(range(24)), "by magnitude"
        rows = [*range(24), *range(32, 56)]
        torch.testing.assert_close(last.mlp.fc1.weight, source.mlp.fc1.weight[rows][:, :24])


def test_a_large_penalty_decides_what_is_kept(teacher: Tracker, pool: Pool) -> None:
    procedure = StudentProcedure(sparse=0.5, sparse_weight=1.0)
    assert stage_of(procedure, SPEC, REDUCED, 4) == "sparse"
    assert stage_of(procedure, SPEC, STUDENT, 4) == ""
    assert wide_spec(SPEC, REDUCED) == STUDENT
    seen: list[float] = []
    student = distill_sparsely(
        teacher,
        REDUCED,
        pool,
        replace(StudentRecipe(batch=4, lr=1e-2), procedure=procedure),
        first_steps=6,
        steps=2,
        seed=0,
        device=CPU,
        progress=lambda text, share, parts=None: seen.append(parts.get("reduction", 0.0)),  # type: ignore[union-attr]
    )
    assert student.spec == REDUCED
    assert not student.training
    assert seen[0] > seen[5] > 0 == seen[6], "2 layers of 2 · 32 ones shrink, and are gone once it is cut"
    assert seen[0] == 128


def test_what_is_cut_is_scaled_by_the_weights_alone(
    teacher: Tracker, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The averaged network was copied within `reducing`, hooks and all; with them the diagonals would count twice."""
    seen: list[int] = []

    def watched(model: Tracker, *rest: Any) -> Any:
        seen.append(sum(len(each._forward_pre_hooks) for each in model.modules()))
        return ranking(model, *rest)

    monkeypatch.setattr("compress.distill.sparse.ranking", watched)
    recipe = replace(StudentRecipe(batch=4), procedure=StudentProcedure(sparse=0.5))
    more: Any = {"first_steps": 1, "steps": 1, "seed": 0, "device": CPU, "calibration": CROPS}
    distill_sparsely(teacher, REDUCED, pool, recipe, **more)
    assert seen == [0]


def test_heads_are_whole_while_dimensions_are_weighed() -> None:
    fewer = replace(REDUCED, layers=tuple(replace(each, heads=1) for each in REDUCED.layers))
    assert wide_spec(SPEC, fewer) == STUDENT
