"""Operators of built networks, counted by fvcore, against the formula and against another counter."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from compress.core import BypassSpec, ExitSpec, HeadSpec, LayerSpec, StageSpec, TrackerSpec
from compress.core.cost import components, macs
from compress.models import build, fused
from compress.models.operator_count import OperatorCount, count_operators
from compress.testing.networks import counted_macs

_SIZES = {"template_size": 32, "search_size": 64}


def _layers(*attentions: str, **more: object) -> tuple[LayerSpec, ...]:
    return tuple(LayerSpec(i, 20 + 4 * i, attention, **more) for i, attention in enumerate(attentions))  # type: ignore[arg-type]


def _vit(*attentions: str, **fields: object) -> TrackerSpec:
    layers = fields.pop("layers", None) or _layers(*attentions)
    return TrackerSpec(dim=16, heads=2, layers=layers, **(_SIZES | {"head": HeadSpec(channels=16)} | fields))  # type: ignore[arg-type]


_STAGES = (StageSpec(16, 2, 4), StageSpec(24, 3, 4, 4, 48), StageSpec(32, 4, 4, 6, 64))
SPECS = {
    "joint": _vit("joint", "joint"),
    "reduced": _vit(layers=_layers("joint", "joint", attn_dims=12, mlp_dims=9)),
    "eliminating": _vit(layers=(LayerSpec(0, 20), LayerSpec(1, 20, keep=0.7), LayerSpec(2, 20))),
    "motion": _vit(layers=(LayerSpec(0, 20, keep=0.7), LayerSpec(1, 20, keep=0.7)), keep_by="motion"),
    "small template": _vit("joint", "joint", template_size=64, keep_template=0.25),
    "split with a small template": _vit("FE", "AI", template_size=64, keep_template=0.25, online_templates=1),
    "split with a target token": _vit("FE", "FE", "AI", "AI", target_token=True),
    "token head": _vit(
        "asymmetric", "asymmetric", head=HeadSpec(kind="tokens", bins=12, score=True), online_templates=1
    ),
    "pyramid": _vit("asymmetric", head=HeadSpec(kind="pyramid", channels=16)),
    "reparametrised corner": _vit("joint", head=HeadSpec(kind="corner", channels=16, reparam=True)),
    "bypass": _vit("joint", "joint", "joint", bypass=BypassSpec(n_enf=1)),
    "bypass and exits": _vit(
        "FE", "AI", "AI", bypass=BypassSpec(n_enf=1), exits=(ExitSpec(2, adapter=1), ExitSpec(3)), recycling="c"
    ),
    "levit": TrackerSpec(
        dim=16,
        heads=2,
        layers=tuple(LayerSpec(i, 32, stage=i // 2) for i in range(5)),
        backbone="levit",
        stages=_STAGES,
        head=HeadSpec(kind="corner", channels=16),
        final_norm=False,
        template_size=64,
        search_size=128,
    ),
}


@pytest.mark.parametrize("name", SPECS)
def test_every_component_is_counted_as_the_formula_has_it(name: str) -> None:
    spec = SPECS[name]
    found = count_operators(build(spec))
    formula = {part.name: (part.template.done, part.frame.done) for part in components(spec)}
    counted = {part: (found.template.get(part, 0), found.frame.get(part, 0)) for part in formula}
    assert counted == formula
    assert set(found.template) | set(found.frame) <= set(formula)
    assert found.unknown == {}
    assert "aten::add" in found.free


@pytest.mark.parametrize("name", ["joint", "eliminating", "token head", "levit"])
@torch.no_grad()
def test_another_counter_agrees(name: str) -> None:
    """PyTorch's, which sees what is executed and traces nothing."""
    spec = SPECS[name]
    found, ready = count_operators(build(spec)), fused(build(spec))
    crop = torch.rand(1, 3, spec.template_size, spec.template_size)
    search = torch.rand(1, 3, spec.search_size, spec.search_size)
    assert sum(found.template.values()) == counted_macs(ready.encode_template, crop) == macs(spec).template
    assert sum(found.frame.values()) == counted_macs(ready.track, search, ready.encode_template(crop))


class _Odd(nn.Module):
    """In place of a head: it does what nobody has a price for, and a product besides."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head

    def forward(self, features: object) -> dict[str, Tensor]:
        maps: dict[str, Tensor] = self.head(features)
        return maps | {"score_map": torch.linalg.qr(maps["score_map"] @ maps["score_map"]).R}


def test_what_has_no_price_is_listed_and_what_is_more_is_seen() -> None:
    model = build(SPECS["joint"])
    model.box_head = _Odd(model.box_head)  # type: ignore[assignment,arg-type]
    found: OperatorCount = count_operators(model)
    assert list(found.unknown) == ["aten::linalg_qr"]
    plain = count_operators(build(SPECS["joint"]))
    assert found.frame["head"] == plain.frame["head"] + 4 * 4 * 4


def test_the_network_itself_is_left_alone() -> None:
    model = build(replace(SPECS["eliminating"]))
    before = {name: set(vars(module)) for name, module in model.named_modules()}
    count_operators(model)
    assert {name: set(vars(module)) for name, module in model.named_modules()} == before
