from __future__ import annotations

import dataclasses
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from compress.core import Attention, HeadSpec, LayerSpec, TrackerSpec, UsageError
from compress.models import Tracker, TrackerOutput, build
from compress.models.blocks import Block
from compress.surgery import inherit

DIM, HEADS, HIDDEN = 24, 2, 40
CROPS = (torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(1)),
         torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(2)))  # fmt: skip


def _spec(sources: tuple[int, ...] = (0, 1, 2, 3), attention: Attention = "joint", **layer: Any) -> TrackerSpec:
    layers = tuple(LayerSpec(source=i, attention=attention, **{"mlp_hidden": HIDDEN, **layer}) for i in sources)
    head = HeadSpec(channels=8)
    return TrackerSpec(dim=DIM, heads=HEADS, layers=layers, template_size=32, search_size=64, head=head)


@pytest.fixture
def teacher() -> Tracker:
    torch.manual_seed(0)
    model = build(_spec()).eval()
    for parameter in model.parameters():  # away from the start, where norms are 1 and biases 0
        parameter.data.add_(torch.randn_like(parameter) * 0.1)
    return model


@torch.no_grad()
def _run(model: Tracker) -> TrackerOutput:
    out: TrackerOutput = model(*CROPS, collect=True)
    return out


def _error(student: Tracker, teacher: Tracker) -> float:
    """Distance of the last features, the layers between being matched by depth."""
    mine, theirs = _run(student).layers, _run(teacher).layers
    assert mine is not None
    assert theirs is not None
    return float((mine[-1] - theirs[-1]).square().mean())


def _block(model: Tracker, i: int) -> Block:
    return cast(Block, model.backbone.blocks[i])


def _assert_same(a: Tracker, b: Tracker, tolerance: float = 0.0) -> None:
    for name, value in _run(a).maps.items():
        torch.testing.assert_close(value, _run(b).maps[name], rtol=0, atol=tolerance)


@pytest.mark.parametrize("calibration", [None, CROPS])
@pytest.mark.parametrize("rank", ["importance", "leading"])
@pytest.mark.parametrize("layer", [{}, {"attn_dims": 16, "mlp_dims": 11}])
def test_own_spec_reproduces_the_teacher(rank: Any, calibration: Any, layer: dict[str, int]) -> None:
    teacher = build(_spec(**layer)).eval()
    student = inherit(teacher, teacher.spec, mlp_rank=rank, calibration=calibration)
    _assert_same(student, teacher)
    assert not student.training
    student.backbone.pos_embed_x.data.zero_()
    assert bool(teacher.backbone.pos_embed_x.any())


@torch.no_grad()
def test_cutting_dead_units_changes_nothing(teacher: Tracker) -> None:
    alive = torch.ones(HIDDEN, dtype=torch.bool)
    alive[[0, 3, 17, 39]] = False
    dims = torch.ones(DIM, dtype=torch.bool)
    dims[[1, 5, 13, 20]] = False  # two in either head, so that values can go as well
    for i in range(4):
        block = _block(teacher, i)
        block.mlp.fc2.weight[:, ~alive] = 0
        block.mlp.fc1.weight[:, ~dims] = 0
        block.attn.qkv.weight[:, ~dims] = 0
        block.attn.proj.weight[:, ~dims] = 0
    student = inherit(teacher, _spec(mlp_hidden=36, attn_dims=20, mlp_dims=20))
    _assert_same(student, teacher, 1e-5)
    block = _block(student, 2)
    assert block.attn.kept is not None
    assert block.attn.kept.tolist() == dims.nonzero().flatten().tolist()
    torch.testing.assert_close(block.mlp.fc1.weight, _block(teacher, 2).mlp.fc1.weight[alive][:, dims])


@torch.no_grad()
def test_constant_units_go_into_the_bias(teacher: Tracker) -> None:
    """A hidden unit that never changes, and a constant input, are removed exactly once calibration has seen them."""
    for i in range(4):
        block = _block(teacher, i)
        block.mlp.fc1.weight[:4] = 0
        block.mlp.fc1.bias[:4] = 1.0
        block.mlp.fc2.weight[:, :4] *= 1e-3
        block.mlp.fc2.weight[:, 0] *= 100
        for norm, linear in ((block.norm1, block.attn.qkv), (block.norm2, block.mlp.fc1)):
            norm.weight[:2], norm.bias[:2] = 0, 0.5
            linear.weight[:, :2] *= 0.1
        block.attn.proj.weight[:, [0, 12]] = 0
    spec = _spec(mlp_hidden=HIDDEN - 4, attn_dims=DIM - 2, mlp_dims=DIM - 2)
    _assert_same(inherit(teacher, spec, calibration=CROPS), teacher, 1e-5)
    assert _error(inherit(teacher, spec), teacher) > 1e-6


def test_layers_and_embeddings_come_from_the_teacher(teacher: Tracker) -> None:
    student = inherit(teacher, _spec((0, 2, 3), mlp_hidden=30), mlp_rank="leading")
    torch.testing.assert_close(_block(student, 1).attn.qkv.weight, _block(teacher, 2).attn.qkv.weight)
    torch.testing.assert_close(_block(student, 1).mlp.fc1.weight, _block(teacher, 2).mlp.fc1.weight[:30])
    torch.testing.assert_close(_block(student, 2).mlp.fc2.weight, _block(teacher, 3).mlp.fc2.weight[:, :30])
    torch.testing.assert_close(student.box_head.state_dict(), teacher.box_head.state_dict())
    torch.testing.assert_close(student.backbone.norm.state_dict(), teacher.backbone.norm.state_dict())


@pytest.mark.parametrize("attention", ["asymmetric", "AI"])
def test_changing_attention_keeps_weights(teacher: Tracker, attention: Attention) -> None:
    student = inherit(teacher, _spec(attention=attention))
    torch.testing.assert_close(student.state_dict(), teacher.state_dict())
    again = inherit(student, student.spec, calibration=CROPS)
    _assert_same(again, student)


@pytest.mark.parametrize("calibration", [None, CROPS])
def test_elimination_is_the_students_own(teacher: Tracker, calibration: Any) -> None:
    """No weight depends on it: a student that eliminates inherits from a teacher that does not, and back."""
    layers = tuple(dataclasses.replace(x, keep=0.5 if x.source == 1 else None) for x in teacher.spec.layers)
    student = inherit(teacher, dataclasses.replace(teacher.spec, layers=layers), calibration=calibration)
    assert student.spec.layers[1].keep == 0.5
    torch.testing.assert_close(student.state_dict(), teacher.state_dict())
    assert _error(student, teacher) > 1e-3
    _assert_same(inherit(student, student.spec, calibration=calibration), student)
    _assert_same(inherit(student, teacher.spec, calibration=calibration), teacher)


def test_importance_and_calibration_beat_leading(teacher: Tracker) -> None:
    """On a net whose hidden units differ in size; the first are the smallest."""
    with torch.no_grad():
        for i in range(4):
            _block(teacher, i).mlp.fc2.weight.mul_(torch.linspace(0.1, 3, HIDDEN))
    spec = _spec(mlp_hidden=20)
    leading = _error(inherit(teacher, spec, mlp_rank="leading"), teacher)
    important = _error(inherit(teacher, spec), teacher)
    calibrated = _error(inherit(teacher, spec, calibration=CROPS), teacher)
    assert calibrated < important < leading


def test_reducing_twice_keeps_original_indices(teacher: Tracker) -> None:
    once = inherit(teacher, _spec(attn_dims=18, mlp_dims=18), calibration=CROPS)
    twice = inherit(once, _spec(attn_dims=12, mlp_dims=9), calibration=CROPS)
    for name in ("attn", "mlp"):
        first = cast(Tensor, getattr(_block(once, 1), name).kept).tolist()
        second = cast(Tensor, getattr(_block(twice, 1), name).kept).tolist()
        assert set(second) < set(first)
    _run(twice)


def test_student_trains(teacher: Tracker) -> None:
    student = inherit(teacher, _spec((0, 2), attention="AI", attn_dims=16, mlp_dims=12), calibration=CROPS).train()
    out = student(*CROPS)
    (out.boxes.sum() + sum(m.sum() for m in out.maps.values())).backward()
    assert all(p.grad is not None and p.requires_grad for p in student.parameters())


def test_what_the_teacher_lacks_is_named(teacher: Tracker) -> None:
    with pytest.raises(UsageError, match=r"layers\[1\].source is 7 and the teacher has 4 layers"):
        inherit(teacher, _spec((0, 7)))
    with pytest.raises(UsageError, match=r"layers\[0\].mlp_hidden is 64 and the teacher's layer 0 has 40"):
        inherit(teacher, _spec((0,), mlp_hidden=64))
    with pytest.raises(UsageError, match="final_norm is False.*"):
        inherit(teacher, dataclasses.replace(_spec(), final_norm=False))
    with pytest.raises(UsageError, match="mlp_rank"):
        inherit(teacher, _spec(), mlp_rank="best")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="attn_dims is 24 and the teacher's layer 0 has 16"):
        inherit(inherit(teacher, _spec(attn_dims=16)), _spec())
