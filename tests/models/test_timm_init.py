"""A backbone that starts from timm's weights computes what timm's model computes, where the two coincide."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import timm
import torch
from safetensors.torch import save_file
from timm.layers import resample_abs_pos_embed  # type: ignore[attr-defined]
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from compress.core import FileError, HeadSpec, LayerSpec, TrackerSpec, UsageError, describe
from compress.geometry.crop import MEAN, STD
from compress.models import build, load_timm
from compress.models.checkpoints.timm_init import timm_weights

JOINT = TrackerSpec(
    dim=128,
    heads=2,
    layers=tuple(LayerSpec(source=i, mlp_hidden=512) for i in range(3)),
    template_size=48,
    search_size=96,
    head=HeadSpec(channels=8),
)
"""Template and search as one row of tokens."""


def _apart(layers: int, hidden: int) -> tuple[LayerSpec, ...]:
    """Template and search apart but for the last layer: until there the search crop goes through a plain ViT."""
    kinds = ["FE"] * (layers - 1) + ["AI"]
    return tuple(LayerSpec(source=i, mlp_hidden=hidden, attention=kind) for i, kind in enumerate(kinds))  # type: ignore[arg-type]


def _vit(**options: Any) -> VisionTransformer:
    """A timm ViT for images of 64 pixels, away from its start, so that nothing is near zero or one by luck."""
    torch.manual_seed(0)
    model = VisionTransformer(img_size=64, embed_dim=128, depth=4, num_heads=2, num_classes=3, **options)
    for parameter in model.parameters():
        parameter.data.add_(torch.randn_like(parameter) * 0.1)
    return model.eval()


def _saved(model: nn.Module, path: Path) -> Path:
    save_file({key: value.contiguous() for key, value in model.state_dict().items()}, path)
    return path


def _through(model: VisionTransformer, tokens: Tensor, depth: int) -> list[Tensor]:
    """What timm's first blocks put out for these tokens."""
    outputs = []
    for block in model.blocks[:depth]:
        outputs.append(tokens := block(tokens))
    return outputs


@torch.inference_mode()
def test_the_search_crop_goes_through_timms_layers(tmp_path: Path) -> None:
    theirs = _vit(class_token=False, global_pool="avg", fc_norm=False)
    spec = replace(JOINT, layers=_apart(4, 512), search_size=64)
    model = build(spec).eval()
    assert load_timm(model, _saved(theirs, tmp_path / "vit.safetensors")) == 4 * 12 + 2 + 2 + 2
    search = torch.randn(2, 3, 64, 64)
    found = model(torch.randn(2, 3, 48, 48), search, collect=True).layers
    wanted = _through(theirs, theirs.patch_embed(search) + theirs.pos_embed, 3)
    assert found is not None
    for ours, expected in zip(found[:3], wanted, strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("options", [{}, {"reg_tokens": 3}, {"init_values": 0.5}, {"no_embed_class": True}])
@torch.inference_mode()
def test_template_and_search_go_through_timms_layers_together(options: dict[str, Any], tmp_path: Path) -> None:
    theirs = _vit(**options)
    model = build(JOINT).eval()
    load_timm(model, _saved(theirs, tmp_path / "vit.safetensors"))
    crops = torch.randn(1, 3, 48, 48), torch.randn(1, 3, 96, 96)
    in_front = 0 if options.get("no_embed_class") else theirs.num_prefix_tokens
    tokens = []
    for crop in crops:
        side = crop.shape[-1] // 16
        table = theirs.pos_embed[:, in_front:]
        tokens.append(
            theirs.patch_embed.proj(crop).flatten(2).transpose(1, 2)
            + resample_abs_pos_embed(table, [side, side], num_prefix_tokens=0, antialias=False)
        )
    found = model(*crops, collect=True).layers
    assert found is not None
    *wanted, last = _through(theirs, torch.cat(tokens, 1), 3)
    for ours, expected in zip(found, [*wanted, theirs.norm(last)], strict=True):
        torch.testing.assert_close(ours, expected[:, 9:], rtol=1e-4, atol=1e-4)


@pytest.fixture
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Empty caches, and a network that nobody may touch."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    return tmp_path


@torch.inference_mode()
def test_a_named_model_in_the_cache_is_found_and_sees_the_same_picture(caches: Path) -> None:
    """This one was trained on pixels normalised otherwise than a tracker's crops are."""
    name = "vit_tiny_patch16_224"
    theirs = timm.create_model(name).eval()
    snapshot = caches / "hub" / f"models--timm--{name}.augreg_in21k_ft_in1k" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot.parent.parent / "refs").mkdir()
    (snapshot.parent.parent / "refs" / "main").write_text("abc")
    _saved(theirs, snapshot / "model.safetensors")
    model = build(TrackerSpec(dim=192, heads=3, layers=_apart(4, 768), search_size=224)).eval()
    load_timm(model, name)
    picture = torch.rand(1, 3, 224, 224)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
    tokens = theirs.patch_embed((picture - 0.5) / 0.5) + theirs.pos_embed[:, 1:]
    found = model(torch.zeros(1, 3, 128, 128), (picture - mean) / std, collect=True).layers
    assert found is not None
    torch.testing.assert_close(found[2], _through(theirs, tokens, 3)[-1], rtol=1e-4, atol=1e-4)


def test_pytorchs_own_cache_is_looked_into(caches: Path) -> None:
    theirs = timm.create_model("deit_tiny_patch16_224")
    place = caches / "torch" / "hub" / "checkpoints" / "deit_tiny_patch16_224-a1311bcf.pth"
    place.parent.mkdir(parents=True)
    torch.save({"model": theirs.state_dict()}, place)
    found = timm_weights(replace(describe("ostrack256"), dim=192, heads=3), "deit_tiny_patch16_224")
    assert torch.equal(found["backbone.blocks.7.attn.qkv.weight"], theirs.blocks[7].attn.qkv.weight)


@pytest.mark.parametrize("name", ["deit_tiny_patch16_224", "vit_base_patch16_224.mae", "levit_384"])
def test_what_is_not_there_is_not_fetched(caches: Path, name: str) -> None:
    with pytest.raises(FileError, match=rf"cache does not hold the weights of {name}, and they are not downloaded"):
        load_timm(build(JOINT), name)


@pytest.mark.parametrize("name", ["deit_tny_patch16_224", "vit_tiny_patch16_224.nonsense"])
def test_unknown_names_are_said(caches: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"Unknown timm model.*Did you mean .*_tiny_patch16_224"):
        load_timm(build(JOINT), name)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dim": 192, "heads": 3}, "it is 128 wide with patches of 16, and the tracker 192 with 16"),
        ({"patch": 8}, "it is 128 wide with patches of 16, and the tracker 128 with 8"),
        ({"heads": 4}, "a ViT of width 128 has 2 heads and the tracker has 4"),
        ({"layers": (LayerSpec(source=4, mlp_hidden=512),)}, "layer 4 is wanted, but timm's model holds 4"),
        ({"layers": (LayerSpec(source=0, mlp_hidden=128),)}, r"of another shape \(backbone.blocks.0.mlp.fc1.bias is"),
    ],
)
def test_other_shapes_are_said(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = _saved(_vit(), tmp_path / "vit.safetensors")
    with pytest.raises(UsageError, match=message):
        load_timm(build(replace(JOINT, **changes)), path)


def test_other_kinds_and_damage_are_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"its blocks hold attn.k_norm.bias, .*, which the tracker's have"):
        load_timm(build(JOINT), _saved(_vit(qk_norm=True), tmp_path / "norms.safetensors"))
    with pytest.raises(UsageError, match="it is no ViT of timm's"):
        load_timm(build(JOINT), _saved(timm.create_model("resnet10t"), tmp_path / "resnet.safetensors"))
    with pytest.raises(FileError, match="There is no weights file at"):
        load_timm(build(JOINT), tmp_path / "missing.safetensors")
    damaged = _vit()
    damaged.blocks[1].mlp.fc1.weight.data[0, 0] = float("nan")
    with pytest.raises(FileError, match=r"damaged: 1 not finite \(backbone.blocks.1.mlp.fc1.weight\)"):
        load_timm(build(JOINT), _saved(damaged, tmp_path / "nan.safetensors"))


@torch.inference_mode()
def test_hit_starts_from_levit(tmp_path: Path) -> None:
    theirs = timm.create_model("levit_128s").eval()
    path = _saved(theirs, tmp_path / "levit.safetensors")
    model = build(describe("hit-tiny")).eval()
    filled = {key for key in model.state_dict() if key.startswith("backbone.")}
    assert load_timm(model, path) == len(filled)
    search = torch.randn(1, 3, 256, 256)
    torch.testing.assert_close(model.backbone.stem(search), theirs.stem(search))  # type: ignore[operator, union-attr]
    with pytest.raises(UsageError, match="layer 9 is wanted, but timm.s model holds 9"):
        timm_weights(describe("hit-base"), path)
    with pytest.raises(UsageError, match="it is no ViT"):
        load_timm(build(JOINT), path)
