"""RepVGG blocks in their two forms."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from compress.models.heads.repvgg import RepVgg


def _trained(inputs: int, outputs: int) -> RepVgg:
    torch.manual_seed(0)
    block = RepVgg(inputs, outputs)
    for norm in block.modules():
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.normal_(norm.weight)
            nn.init.normal_(norm.bias)
    for _ in range(20):
        block(2 * torch.randn(8, inputs, 6, 6) + 1)
    return block.eval()


@pytest.mark.parametrize(("inputs", "outputs"), [(6, 6), (6, 4)])
@torch.no_grad()
def test_both_forms_agree(inputs: int, outputs: int) -> None:
    block = _trained(inputs, outputs)
    merged = block.fused()
    assert [type(part) for part in merged] == [nn.Conv2d, nn.ReLU]  # type: ignore[attr-defined]
    x = torch.randn(3, inputs, 7, 5)
    before = block(x)
    torch.testing.assert_close(merged(x.clone()), before, rtol=1e-5, atol=1e-5)
    assert bool(before.any())
    for parameter in merged.parameters():
        parameter.zero_()
    assert torch.equal(block(x), before)


@torch.no_grad()
def test_three_branches_are_added() -> None:
    block = _trained(6, 6)
    x = torch.randn(2, 6, 5, 5)
    alone = []
    for name in ("wide", "point", "identity"):
        branch = _trained(6, 6)
        for other in {"wide", "point", "identity"} - {name}:
            part = branch.get_submodule(other)
            norm = part if isinstance(part, nn.BatchNorm2d) else part[1]
            norm.weight.zero_()
            norm.bias.zero_()
        alone.append(branch.get_submodule(name)(x))
        torch.testing.assert_close(branch(x), alone[-1].relu())
    torch.testing.assert_close(block(x), sum(alone).relu())


def test_the_input_is_added_where_the_width_stays_only() -> None:
    assert RepVgg(6, 4).identity is None
    assert sum(p.numel() for p in RepVgg(6, 4).parameters()) == 10 * 6 * 4 + 4 * 4
    assert sum(p.numel() for p in RepVgg(6, 6).parameters()) == 10 * 6 * 6 + 6 * 6
