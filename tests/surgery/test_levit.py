"""Students of HiT: layers dropped within stages, MLPs with batch norms cut."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest
import torch
from torch import Tensor, nn

from compress.core import HeadSpec, LayerSpec, StageSpec, TrackerSpec, UsageError
from compress.models import HitTracker, Tracker, TrackerOutput, build
from compress.models.levit.backbone import LevitBlock, Shrink
from compress.models.levit.layers import LevitMlp
from compress.surgery import Rank, inherit

STAGES = StageSpec(16, 4, 4), StageSpec(24, 4, 4, 6, 30), StageSpec(32, 4, 4, 8, 30)
SPEC = TrackerSpec(
    dim=16,
    heads=4,
    layers=tuple(LayerSpec(source=i, mlp_hidden=30, stage=stage) for i, stage in enumerate((0, 0, 1, 1, 2, 2))),
    backbone="levit",
    stages=STAGES,
    template_size=64,
    search_size=128,
    head=HeadSpec(kind="corner", channels=8),
    final_norm=False,
)
GENERATOR = torch.Generator().manual_seed(4)
CROPS = torch.randn(2, 3, 64, 64, generator=GENERATOR), torch.randn(2, 3, 128, 128, generator=GENERATOR)


@pytest.fixture
def teacher() -> HitTracker:
    torch.manual_seed(0)
    model = build(SPEC).eval()
    for parameter in model.parameters():
        parameter.data.add_(torch.randn_like(parameter) * 0.2)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.uniform_(cast(Tensor, module.running_mean), -0.3, 0.3)
            nn.init.uniform_(cast(Tensor, module.running_var), 0.5, 1.5)
    return cast(HitTracker, model)


@torch.no_grad()
def _run(model: Tracker) -> TrackerOutput:
    out: TrackerOutput = model(*CROPS, collect=True)
    return out


def _assert_same(a: Tracker, b: Tracker, tolerance: float = 0.0) -> None:
    torch.testing.assert_close(_run(a).maps, _run(b).maps, rtol=0, atol=tolerance)


def _block(model: Tracker, i: int) -> LevitBlock:
    return cast(LevitBlock, cast(HitTracker, model).backbone.blocks[i])


def _mlps(model: Tracker) -> list[LevitMlp]:
    backbone = cast(HitTracker, model).backbone
    return [cast(LevitBlock | Shrink, each).mlp for each in (*backbone.blocks, *backbone.shrinks)]


def _thin(hidden: int, sources: tuple[int, ...] = tuple(range(6))) -> TrackerSpec:
    layers = tuple(replace(SPEC.layers[i], mlp_hidden=hidden) for i in sources)
    stages = tuple(replace(stage, shrink_hidden=hidden if stage.shrink_hidden else 0) for stage in STAGES)
    return replace(SPEC, layers=layers, stages=stages)


@pytest.mark.parametrize("calibration", [None, CROPS], ids=["plain", "calibrated"])
@pytest.mark.parametrize("rank", ["importance", "leading"])
def test_own_spec_reproduces_the_teacher(
    teacher: HitTracker, rank: Rank, calibration: tuple[Tensor, Tensor] | None
) -> None:
    student = inherit(teacher, SPEC, mlp_rank=rank, calibration=calibration)
    _assert_same(student, teacher)
    assert not student.training
    _block(student, 2).attn.bias.table.data.zero_()
    assert bool(_block(teacher, 2).attn.bias.table.any())


def test_layers_are_dropped_within_their_stages(teacher: HitTracker) -> None:
    """What is left computes what the teacher computes when the dropped layers hand on what they take in."""
    student = inherit(teacher, _thin(30, (0, 3, 4, 5)))
    for i in (1, 2):
        for linear in (_block(teacher, i).attn.proj, _block(teacher, i).mlp.fc2):
            nn.init.zeros_(linear.bn.weight)
            nn.init.zeros_(linear.bn.bias)
    _assert_same(student, teacher, 1e-6)
    _run(inherit(teacher, _thin(30, (1, 5))))  # a stage may lose all of its layers


@torch.no_grad()
def test_cutting_dead_units_changes_nothing(teacher: HitTracker) -> None:
    alive = torch.ones(30, dtype=torch.bool)
    alive[[0, 7, 29]] = False
    for mlp in _mlps(teacher):
        mlp.fc2.linear.weight[:, ~alive] = 0
    student = inherit(teacher, _thin(27))
    _assert_same(student, teacher, 1e-6)
    for mine, theirs in zip(_mlps(student), _mlps(teacher), strict=True):
        torch.testing.assert_close(mine.fc1.linear.weight, theirs.fc1.linear.weight[alive])
        torch.testing.assert_close(mine.fc1.bn.running_var, cast(Tensor, theirs.fc1.bn.running_var)[alive])


@torch.no_grad()
def test_constant_units_go_into_the_norm_behind_them(teacher: HitTracker) -> None:
    for mlp in _mlps(teacher):
        mlp.fc1.bn.weight[:4], mlp.fc1.bn.bias[:4] = 0, 1.5
        mlp.fc2.linear.weight[:, :4] *= 0.01
    _assert_same(inherit(teacher, _thin(26), calibration=CROPS), teacher, 1e-5)
    plain = _run(inherit(teacher, _thin(26))).maps["prob_tl"]
    assert (plain - _run(teacher).maps["prob_tl"]).abs().max() > 1e-5


def _error(student: Tracker, teacher: Tracker) -> float:
    mine, theirs = _run(student).layers, _run(teacher).layers
    assert mine is not None
    assert theirs is not None
    return float((mine[-1] - theirs[-1]).square().mean())


@torch.no_grad()
def test_importance_and_calibration_beat_leading(teacher: HitTracker) -> None:
    """On a net whose hidden units differ in size; the first are the smallest."""
    for mlp in _mlps(teacher):
        mlp.fc2.linear.weight.mul_(torch.linspace(0.1, 3, 30))
    leading = _error(inherit(teacher, _thin(15), mlp_rank="leading"), teacher)
    important = _error(inherit(teacher, _thin(15)), teacher)
    calibrated = _error(inherit(teacher, _thin(15), calibration=CROPS), teacher)
    assert calibrated < important < leading


def test_student_trains(teacher: HitTracker) -> None:
    student = inherit(teacher, _thin(12, (0, 2, 3, 5)), calibration=CROPS).train()
    out = student(*CROPS)
    sum(values.square().sum() for values in out.maps.values()).backward()
    assert all(p.grad is not None for p in student.parameters())


def test_what_the_teacher_lacks_is_named(teacher: HitTracker) -> None:
    wide = (replace(STAGES[0]), replace(STAGES[1], shrink_hidden=60), replace(STAGES[2], heads=8))
    with pytest.raises(UsageError, match=r"stages\[1\].shrink_hidden is 60 and.*30; stages\[2\] is StageSpec"):
        inherit(teacher, replace(SPEC, stages=wide))
    moved = (*SPEC.layers[:3], replace(SPEC.layers[3], stage=2), *SPEC.layers[4:])
    with pytest.raises(UsageError, match=r"layers\[3\] is in stage 2 and the teacher's layer 3 in 1"):
        inherit(teacher, replace(SPEC, layers=moved))
