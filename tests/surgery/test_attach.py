"""What exits start from: adapters that go on as the teacher does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from compress.core import ExitSpec, HeadSpec, LayerSpec, TrackerSpec
from compress.models import Tracker, build
from compress.surgery import inherit

GENERATOR = torch.Generator().manual_seed(3)
CROPS = torch.randn(3, 3, 32, 32, generator=GENERATOR), torch.randn(3, 3, 64, 64, generator=GENERATOR)
PLAIN = TrackerSpec(
    dim=24,
    heads=2,
    layers=tuple(LayerSpec(source=i, mlp_hidden=40) for i in range(5)),
    template_size=32,
    search_size=64,
    head=HeadSpec(channels=8),
    recycling="none",
)


@pytest.fixture(scope="module")
def teacher() -> Tracker:
    torch.manual_seed(0)
    model = build(PLAIN).eval()
    for parameter in model.parameters():
        parameter.data.add_(torch.randn_like(parameter) * 0.1)
    return model


def _with(*exits: ExitSpec, layers: tuple[int, ...] = (0, 1, 2, 3, 4), **changes: Any) -> TrackerSpec:
    return replace(PLAIN, exits=exits, layers=tuple(PLAIN.layers[i] for i in layers), **changes)


def _blocks(model: Tracker, exit: int) -> list[dict[str, torch.Tensor]]:
    return [dict(block.state_dict()) for block in model.exits[exit].adapter]  # type: ignore[union-attr, index]


@torch.no_grad()
def test_an_exit_with_an_adapter_answers_as_a_deeper_tracker(teacher: Tracker) -> None:
    student = inherit(teacher, _with(ExitSpec(1, adapter=2), ExitSpec(5)))
    deeper = inherit(teacher, _with(ExitSpec(3), layers=(0, 1, 2)))
    deeper.backbone.extra_tokens.data.copy_(student.backbone.extra_tokens)
    answers = student(*CROPS, every_exit=True).decisions.exits
    torch.testing.assert_close(answers[0].maps, deeper(*CROPS).maps)


def test_the_layers_that_follow_are_the_teachers(teacher: Tracker) -> None:
    """Behind its layer 2, where the student's second layer comes from, and not behind the student's own."""
    student = inherit(teacher, _with(ExitSpec(2, adapter=1), ExitSpec(3), layers=(0, 2, 4)))
    torch.testing.assert_close(_blocks(student, 0)[0], dict(teacher.backbone.blocks[3].state_dict()))


def test_behind_the_teachers_end_an_adapter_starts_near_the_identity(teacher: Tracker) -> None:
    student = inherit(teacher, _with(ExitSpec(4, adapter=2), ExitSpec(5, adapter=1)))
    torch.testing.assert_close(_blocks(student, 0)[0], dict(teacher.backbone.blocks[4].state_dict()))
    fresh = student.exits[0].adapter[1], student.exits[1].adapter[0]
    x = torch.randn(2, 7, 24)
    for block in fresh:
        assert float((block(x)[0] - x).abs().max().detach()) < 0.05


@pytest.mark.parametrize("calibration", [None, CROPS], ids=["plain", "calibrated"])
def test_a_thin_adapter_keeps_what_a_thin_layer_would(teacher: Tracker, calibration: Any) -> None:
    thin = tuple(replace(layer, mlp_hidden=16) for layer in PLAIN.layers)
    spec = replace(PLAIN, layers=thin, exits=(ExitSpec(2, adapter=2), ExitSpec(5)))
    student = inherit(teacher, spec, calibration=calibration)
    for j, block in enumerate(_blocks(student, 0)):
        torch.testing.assert_close(block, dict(student.backbone.blocks[2 + j].state_dict()))


def test_layers_too_thin_or_reduced_are_no_adapters(teacher: Tracker) -> None:
    layers = (*PLAIN.layers[:2], replace(PLAIN.layers[2], attn_dims=12), replace(PLAIN.layers[3], mlp_hidden=20))
    reduced = inherit(teacher, replace(PLAIN, layers=layers))
    for after in (2, 3):
        spec = replace(reduced.spec, exits=(ExitSpec(after, adapter=1), ExitSpec(4)))
        block = inherit(reduced, spec).exits[0].adapter[0]  # type: ignore[union-attr, index]
        assert isinstance(block, nn.Module)
        assert float(block.attn.proj.weight.detach().abs().max()) < 0.1  # fresh


def test_exits_of_the_teacher_keep_their_adapters(teacher: Tracker) -> None:
    exiting = inherit(teacher, _with(ExitSpec(2, adapter=1), ExitSpec(5)))
    for parameter in exiting.parameters():
        parameter.data.add_(0.01)
    student = inherit(exiting, _with(ExitSpec(2, adapter=2), ExitSpec(5)))
    torch.testing.assert_close(_blocks(student, 0)[0], _blocks(exiting, 0)[0])
    torch.testing.assert_close(_blocks(student, 0)[1], dict(exiting.backbone.blocks[3].state_dict()))
    torch.testing.assert_close(student.exits[0].score.state_dict(), exiting.exits[0].score.state_dict())
