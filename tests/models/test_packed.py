"""A network laid out for the CPU says what it said before."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from compress.models import fused
from compress.models.levit.layers import LevitAttention
from compress.models.packing import LinearRise, PackedLinear, packed
from compress.testing.networks import BOX, SPECS, crops, scattered


@pytest.mark.parametrize("name", sorted(SPECS))
@torch.inference_mode()
def test_a_packed_network_says_the_same(name: str) -> None:
    torch.manual_seed(0)
    model = scattered(SPECS[name]).eval()
    ready = packed(fused(model))
    left = [n for n, m in ready.named_modules() if isinstance(m, LevitAttention | nn.ConvTranspose2d)]
    assert left == []
    if torch._C.has_mkl:
        assert all(isinstance(m, PackedLinear) for m in ready.modules() if isinstance(m, nn.Linear))
    template, search = crops(SPECS[name])
    box = BOX.expand(2, 4)
    wanted = model.track(search, model.encode_template(template, box))
    found = ready.track(search, ready.encode_template(template, box))
    for key, value in wanted.maps.items():
        torch.testing.assert_close(found.maps[key], value, rtol=1e-3, atol=1e-4)


@torch.inference_mode()
def test_a_packed_layer_takes_any_number_of_rows() -> None:
    layer = nn.Linear(24, 40)
    ready = packed(nn.Sequential(layer))
    for rows in (1, 7, 16, 65, 128, 7):
        x = torch.randn(rows, 24)
        torch.testing.assert_close(ready(x), layer(x), rtol=1e-5, atol=1e-6)
    assert ready.double()(torch.randn(3, 24).double()).dtype == torch.float64


def test_a_packed_layer_still_has_gradients() -> None:
    ready = packed(nn.Sequential(nn.Linear(4, 4)))
    x = torch.randn(2, 4, requires_grad=True)
    ready(x).sum().backward()
    torch.testing.assert_close(x.grad, ready[0].weight.sum(0).expand(2, 4))


@pytest.mark.parametrize("bias", [True, False])
@torch.inference_mode()
def test_apart_convolutions_become_linear_and_others_stay(bias: bool) -> None:
    x = torch.randn(2, 6, 5, 5)
    apart, overlapping = nn.ConvTranspose2d(6, 3, 2, stride=2, bias=bias), nn.ConvTranspose2d(6, 3, 3, stride=2)
    ready = packed(nn.Sequential(apart))
    assert isinstance(ready[0], LinearRise)
    torch.testing.assert_close(ready(x), apart(x), rtol=1e-5, atol=1e-6)
    assert packed(nn.Sequential(overlapping))[0] is overlapping
