"""A network made ready to run says what it said before."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from compress.core import TrackerSpec
from compress.models import fused
from compress.models.fusing import Foldable, Fusible, Norm, fold_norm
from compress.models.levit.layers import FixedBias, OffsetBias
from compress.testing.networks import BOX, SPECS, crops, scattered


@pytest.fixture(params=sorted(SPECS))
def spec(request: pytest.FixtureRequest) -> TrackerSpec:
    torch.manual_seed(0)
    return SPECS[request.param]


@torch.no_grad()
def test_a_fused_network_says_the_same_and_holds_nothing_to_fold(spec: TrackerSpec) -> None:
    model = scattered(spec).train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    ready = fused(model)
    assert model.training
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)
    assert ready.spec == spec
    assert [n for n, m in ready.named_modules() if isinstance(m, Norm | Fusible) or m.training] == []
    assert not any(parameter.requires_grad for parameter in ready.parameters())
    template, search = crops(spec)
    box = BOX.expand(2, 4)
    wanted = model.eval()(template, search, template_box=box, collect=True)
    found = ready.track(search, ready.encode_template(template, box), collect=True)
    assert wanted.layers is not None
    assert found.layers is not None
    for name, value in wanted.maps.items():
        torch.testing.assert_close(found.maps[name], value, rtol=1e-4, atol=1e-5)
    for layer, other in zip(found.layers, wanted.layers, strict=True):
        torch.testing.assert_close(layer, other, rtol=1e-3, atol=1e-4, equal_nan=True)
    torch.testing.assert_close(found.boxes, wanted.boxes, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_biases_of_offsets_are_spread_once() -> None:
    model = scattered(SPECS["hit-tiny"])
    ready = fused(model)
    tables = [module for module in model.modules() if isinstance(module, OffsetBias)]
    fixed = [module for module in ready.modules() if isinstance(module, FixedBias)]
    assert len(tables) == len(fixed) == 11
    for table, bias in zip(tables, fixed, strict=True):
        torch.testing.assert_close(bias(), table(), rtol=0, atol=0)
        assert bias() is bias()


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Linear(5, 6, bias=False), (7, 5)),
        (nn.Linear(5, 6), (7, 5)),
        (nn.Conv2d(4, 6, 3, stride=2, groups=2), (2, 4, 9, 8)),
        (nn.ConvTranspose2d(4, 6, 2, stride=2), (2, 4, 3, 5)),
        (nn.ConvTranspose2d(4, 6, 3, bias=False), (2, 4, 3, 5)),
    ],
)
@torch.no_grad()
def test_folding_keeps_the_function(layer: Foldable, shape: tuple[int, ...]) -> None:
    norm = (nn.BatchNorm1d if isinstance(layer, nn.Linear) else nn.BatchNorm2d)(6).eval()
    for value in (norm.weight, norm.bias, norm.running_mean):
        value.copy_(torch.randn(6))  # type: ignore[union-attr]
    norm.running_var.copy_(torch.rand(6))  # type: ignore[union-attr]
    before = copy.deepcopy([*layer.parameters(), *norm.state_dict().values()])
    x = torch.randn(shape)
    torch.testing.assert_close(fold_norm(layer, norm)(x), norm(layer(x)), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close([*layer.parameters(), *norm.state_dict().values()], before, rtol=0, atol=0)


def test_what_cannot_be_folded_is_said() -> None:
    with pytest.raises(ValueError, match="2 groups"):
        fold_norm(nn.ConvTranspose2d(4, 6, 2, groups=2), nn.BatchNorm2d(6))


class _Branching(nn.Module):
    """Fuses to what holds a batch norm in its turn."""

    def fused(self) -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3))


@torch.no_grad()
def test_what_a_module_fuses_to_is_fused_in_turn() -> None:
    model = scattered(SPECS["joint"])
    model.add_module("extra", nn.ModuleList([_Branching()]))
    (inner,) = fused(model).get_submodule("extra").children()
    assert [type(module) for module in inner.children()] == [nn.Conv2d]
