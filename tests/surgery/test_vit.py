"""Students of every kind of plain-ViT teacher."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from compress.core import Attention, BypassSpec, ExecutionPath, ExitSpec, HeadSpec, LayerSpec, TrackerSpec, UsageError
from compress.models import Tracker, TrackerOutput, build
from compress.models.blocks import Block
from compress.surgery import inherit

GENERATOR = torch.Generator().manual_seed(3)
CROPS = torch.randn(3, 3, 32, 32, generator=GENERATOR), torch.randn(3, 3, 64, 64, generator=GENERATOR)


def _layers(*attention: Attention) -> tuple[LayerSpec, ...]:
    return tuple(LayerSpec(source=i, mlp_hidden=40, attention=kind) for i, kind in enumerate(attention))


JOINT = TrackerSpec(
    dim=24, heads=2, layers=_layers(*["joint"] * 4), template_size=32, search_size=64, head=HeadSpec(channels=8)
)
CORNER = replace(JOINT, head=HeadSpec(kind="pyramid", channels=8))
MIXFORMER = replace(
    JOINT,
    layers=_layers(*["asymmetric"] * 4),
    head=HeadSpec(kind="tokens", bins=16, score=True),
    final_norm=False,
    position="sincos",
    online_templates=1,
)
MIXVIT = replace(MIXFORMER, head=HeadSpec(kind="pyramid", channels=8))
STATIC = {
    "eliminating": replace(JOINT, layers=tuple(replace(x, keep=0.6 if x.source == 1 else None) for x in JOINT.layers)),
    "split": replace(JOINT, layers=_layers("FE", "FE", "FE", "AI"), target_token=True),
    "tokens": MIXFORMER,
    "pyramid": MIXVIT,
}
ADAPTIVE = {
    "bypass": replace(JOINT, bypass=BypassSpec(n_enf=1)),
    "exits": replace(JOINT, exits=(ExitSpec(1, adapter=1), ExitSpec(4))),
    "both": replace(JOINT, bypass=BypassSpec(n_enf=1), exits=(ExitSpec(2, adapter=1), ExitSpec(3), ExitSpec(4))),
    "tokens-bypass": replace(MIXFORMER, bypass=BypassSpec(n_enf=2)),
}


def _scattered(spec: TrackerSpec) -> Tracker:
    torch.manual_seed(0)
    model = build(spec).eval()
    for parameter in model.parameters():
        parameter.data.add_(torch.randn_like(parameter) * 0.1)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            torch.nn.init.uniform_(cast(Tensor, module.running_mean), -0.3, 0.3)
    return model


@torch.no_grad()
def _run(model: Tracker) -> TrackerOutput:
    out: TrackerOutput = model(*CROPS, every_exit=True)
    return out


def _assert_same(a: Tracker, b: Tracker) -> None:
    torch.testing.assert_close(_run(a), _run(b), rtol=0, atol=0)


def _block(model: Tracker, i: int) -> Block:
    return cast(Block, model.backbone.blocks[i])


@pytest.mark.parametrize("calibration", [None, CROPS], ids=["plain", "calibrated"])
@pytest.mark.parametrize("kind", STATIC | ADAPTIVE)
def test_own_spec_reproduces_the_teacher(kind: str, calibration: tuple[Tensor, Tensor] | None) -> None:
    teacher = _scattered((STATIC | ADAPTIVE)[kind])
    _assert_same(inherit(teacher, teacher.spec, calibration=calibration), teacher)


@pytest.mark.parametrize("kind", STATIC)
def test_a_shorter_thinner_student_trains_all_but_fixed_positions(kind: str) -> None:
    teacher = _scattered(STATIC[kind])
    cut = tuple(replace(STATIC[kind].layers[i], mlp_hidden=20, attn_dims=18, mlp_dims=13) for i in (1, 3))
    student = inherit(teacher, replace(teacher.spec, layers=cut), calibration=CROPS).train()
    torch.testing.assert_close(_block(student, 1).norm1.state_dict(), _block(teacher, 3).norm1.state_dict())
    torch.testing.assert_close(student.box_head.state_dict(), teacher.box_head.state_dict())
    out = student(*CROPS, template_box=torch.rand(3, 4))
    (out.boxes.sum() + sum(values.square().sum() for values in out.maps.values())).backward()
    still = {name for name, p in student.named_parameters() if p.grad is None}
    fixed = {"backbone.pos_embed_x", "backbone.pos_embed_z"} if teacher.spec.position == "sincos" else set()
    assert still == fixed == {name for name, p in student.named_parameters() if not p.requires_grad}


@torch.no_grad()
def test_leading_units_are_the_leading_rows_and_columns() -> None:
    """MixFormerV2's MLP reduction from ratio 4 to 1, written out."""
    teacher = _scattered(replace(MIXFORMER, layers=tuple(replace(x, mlp_hidden=96) for x in MIXFORMER.layers)))
    thin = tuple(replace(x, mlp_hidden=24) for x in teacher.spec.layers)
    student = inherit(teacher, replace(teacher.spec, layers=thin), mlp_rank="leading")
    x = torch.randn(5, 24)
    for i in range(4):
        mlp = _block(teacher, i).mlp
        hidden = F.gelu(x @ mlp.fc1.weight[:24].T + mlp.fc1.bias[:24])
        expected = hidden @ mlp.fc2.weight[:, :24].T + mlp.fc2.bias
        torch.testing.assert_close(_block(student, i).mlp(x), expected, rtol=1e-5, atol=1e-5)


def test_prediction_tokens_take_the_place_of_corner_maps() -> None:
    """Dense to sparse: the backbone stays, tokens and head are new, the same ones every time."""
    teacher = _scattered(MIXVIT)
    spec = replace(MIXFORMER, head=HeadSpec(kind="tokens", bins=16))
    torch.manual_seed(5)
    student, state = inherit(teacher, spec), torch.random.get_rng_state()
    torch.manual_seed(6)
    again = inherit(teacher, spec)
    torch.testing.assert_close(student.state_dict(), again.state_dict(), rtol=0, atol=0)
    torch.manual_seed(5)
    assert torch.equal(state, torch.random.get_rng_state())
    for name, value in student.state_dict().items():
        if name.startswith("backbone.") and name != "backbone.extra_tokens":
            assert torch.equal(value, teacher.state_dict()[name]), name
    assert student.backbone.extra_tokens.std() > 0.01
    assert _run(student).maps.keys() == {"prob_l", "prob_t", "prob_r", "prob_b"}


def test_what_is_not_shared_is_named() -> None:
    teacher = _scattered(MIXVIT)
    for change, words in (
        ({"position": "learned"}, "position is learned and the teacher's is sincos"),
        ({"online_templates": 0}, "online_templates is 0 and the teacher's is 1"),
        ({"head": HeadSpec(kind="tokens", bins=16, score=True)}, "head is HeadSpec"),
        ({"head": HeadSpec(channels=8)}, "head is HeadSpec"),
    ):
        with pytest.raises(UsageError, match=words):
            inherit(teacher, replace(teacher.spec, **change))


def test_bypass_attached_skips_nothing_at_first() -> None:
    teacher = _scattered(MIXFORMER)
    student = inherit(teacher, replace(MIXFORMER, bypass=BypassSpec(n_enf=1)), calibration=CROPS)
    found = student(*CROPS)
    assert not bool(found.decisions.skipped.any())
    torch.testing.assert_close(student.backbone.extra_tokens[:, :4], teacher.backbone.extra_tokens)


def test_exits_attached_start_with_the_teachers_head() -> None:
    """So the first one answers what a tracker that ended there would."""
    teacher = _scattered(JOINT)
    student = inherit(teacher, replace(JOINT, exits=(ExitSpec(2), ExitSpec(4)), recycling="none"))
    for k in range(2):
        torch.testing.assert_close(student.exits[k].head.state_dict(), teacher.box_head.state_dict())
        torch.testing.assert_close(student.exits[k].norm.state_dict(), teacher.backbone.norm.state_dict())
    early = inherit(teacher, replace(JOINT, layers=JOINT.layers[:2], exits=(ExitSpec(2),)))
    early.backbone.extra_tokens.data.copy_(student.backbone.extra_tokens)
    answers = student(*CROPS, every_exit=True).decisions.exits
    torch.testing.assert_close(answers[0].maps, _run(early).maps)


def test_decisions_go_with_their_layers() -> None:
    teacher = _scattered(ADAPTIVE["both"])
    kept = tuple(JOINT.layers[i] for i in (0, 1, 3))
    spec = replace(teacher.spec, layers=kept, bypass=BypassSpec(n_enf=1), exits=(ExitSpec(2, adapter=1), ExitSpec(3)))
    student = inherit(teacher, spec, calibration=CROPS)
    torch.testing.assert_close(student.bypass.gates["2"].state_dict(), teacher.bypass.gates["3"].state_dict())
    torch.testing.assert_close(student.exits[0].state_dict(), teacher.exits[0].state_dict())
    torch.testing.assert_close(student.exits[1].head.state_dict(), teacher.exits[2].head.state_dict())
    torch.testing.assert_close(student.backbone.extra_tokens, teacher.backbone.extra_tokens)
    student(*CROPS, forced_path=ExecutionPath(skipped=frozenset({2}), exit=1))


def test_a_student_without_exits_ends_with_the_last_head() -> None:
    teacher = _scattered(replace(JOINT, exits=(ExitSpec(2), ExitSpec(4))))
    student = inherit(teacher, JOINT)
    torch.testing.assert_close(student.box_head.state_dict(), teacher.exits[1].head.state_dict())
    torch.testing.assert_close(student.backbone.norm.state_dict(), teacher.exits[1].norm.state_dict())
