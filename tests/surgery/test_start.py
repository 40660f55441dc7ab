"""Narrow trackers inherit from the full layers that timm's model fills."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from compress.core import TrackerSpec, describe
from compress.surgery import start_from_timm


@pytest.fixture(scope="module")
def tiny() -> timm.models.VisionTransformer:
    torch.manual_seed(0)
    return timm.create_model("deit_tiny_patch16_224").eval()  # type: ignore[return-value]


@pytest.fixture
def path(tiny: timm.models.VisionTransformer, tmp_path: Path) -> Path:
    save_file(tiny.state_dict(), tmp_path / "deit.safetensors")
    return tmp_path / "deit.safetensors"


def test_reduced_layers_read_the_columns_they_keep(tiny: timm.models.VisionTransformer, path: Path) -> None:
    spec = describe("abtrack-deit")
    spec = replace(spec, layers=spec.layers[3:9])  # layer 0 starts from block 3
    model = start_from_timm(spec, path)
    assert model.spec == spec
    assert model.training
    for ours, theirs in zip(model.backbone.blocks, tiny.blocks[3:9], strict=True):  # type: ignore[arg-type, union-attr]
        queries = theirs.attn.qkv.weight[:192]
        assert torch.equal(ours.attn.qkv.weight[:192], queries[:, ours.attn.kept])
        assert torch.equal(ours.norm2.weight, theirs.norm2.weight)
        assert ours.mlp.fc1.weight.shape == (540, 135)
    assert model.state_dict()["bypass.gates.2.weight"].shape[-1] == 192


def test_a_narrow_mlp_takes_the_most_important_units(tiny: timm.models.VisionTransformer, path: Path) -> None:
    spec = replace(_plain(), layers=tuple(replace(layer, mlp_hidden=192) for layer in _plain().layers))
    model, whole = start_from_timm(spec, path), start_from_timm(_plain(), path)
    theirs = tiny.blocks[1].mlp
    strength = theirs.fc1.weight.norm(dim=1) * theirs.fc2.weight.norm(dim=0)
    wanted = theirs.fc1.weight[strength.topk(192).indices.sort().values]
    assert torch.equal(model.state_dict()["backbone.blocks.1.mlp.fc1.weight"], wanted)
    assert torch.equal(whole.state_dict()["backbone.blocks.1.mlp.fc1.weight"], theirs.fc1.weight)


def _plain() -> TrackerSpec:
    spec = describe("ostrack256")
    return replace(spec, dim=192, heads=3, layers=tuple(replace(x, mlp_hidden=768) for x in spec.layers[:2]))
