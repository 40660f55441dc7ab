"""The network computes what the published HiT code computes (figures made with that code)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from compress.core import TrackerSpec, describe
from compress.models import HitTracker, build
from compress.models.checkpoints.layouts import hit
from compress.models.levit.dual_position import bias_indices
from compress.models.levit.layers import NormedLinear
from compress.testing.networks import crops, scattered
from compress.testing.published.fill_mixformer import crop
from compress.testing.published.hit import filled, offset_numbers
from compress.testing.small_specs import small

DATA = Path(__file__).parent.parent / "data"
BOX, PROB, TOKEN, BRIDGE, PRODUCT = 1e-5, 5e-5, 1e-4, 5e-5, 1e-3  # the largest differences allowed
TINY = small(describe("hit-tiny"))


def _network(spec: TrackerSpec, state: dict[str, Tensor]) -> HitTracker:
    """A tracker with a published state dict, in eval mode; nothing is drawn only to be overwritten."""
    with torch.device("meta"):
        model = build(spec).eval()
    assert isinstance(model, HitTracker)
    model.load_state_dict(hit.adapt(state, spec), assign=True)
    return model


@pytest.mark.parametrize("name", ["base", "tiny"])
@torch.inference_mode()
def test_equals_published_network(name: str) -> None:
    golden = np.load(DATA / f"hit_{name}.golden.npz")
    spec = describe(f"hit-{name}")
    model = _network(spec, filled(spec))
    seen = _watch(model)
    out = model(crop("template", 128), crop("search", 256))
    _assert_near(out.boxes, golden["pred_boxes"][0], BOX)
    for corner in ("prob_tl", "prob_br"):
        _assert_near(out.maps[corner], golden[corner], PROB)
    _assert_blocks(seen["tokens"], golden)
    (stages,), (bridged,) = seen["stages"], seen["bridged"]
    _assert_stages(stages, golden)
    _assert_near(bridged.extra[0], golden["bridge_global_vector"], BRIDGE)
    _assert_near(bridged.search[0, [0, -1]], np.concatenate([golden[f"bridge_{end}_search_token"] for end in
                                                             ("first", "last")]), BRIDGE)  # fmt: skip
    _assert_near(bridged.search @ bridged.extra[0, 0, :, None], golden["att"], PRODUCT)
    _assert_near(_mean_std(model.bridge.attended(bridged).search), golden["head_input_mean_std"], PRODUCT)


def _watch(model: HitTracker) -> dict[str, list[Any]]:
    """What passes through a network: tokens after the stem and each residual, ends of stages, the bridge's output."""
    seen: dict[str, list[Any]] = {"tokens": [], "stages": [], "bridged": []}
    tokens, backbone = seen["tokens"], model.backbone
    backbone.register_forward_pre_hook(lambda _module, inputs: tokens.append(inputs[0]))
    for block in backbone.blocks:
        block.attn.register_forward_hook(lambda _module, inputs, out: tokens.append(inputs[0] + out))
    for shrink in backbone.shrinks:
        shrink.attn.register_forward_hook(lambda _module, _inputs, out: tokens.append(out))
    for module in (*backbone.blocks, *backbone.shrinks):
        module.register_forward_hook(lambda _module, _inputs, out: tokens.append(out))
    backbone.register_forward_hook(lambda _module, _inputs, out: seen["stages"].append(out.stages))
    model.bridge.register_forward_hook(lambda _module, _inputs, out: seen["bridged"].append(out))
    return seen


def _assert_blocks(tokens: list[Tensor], golden: Any) -> None:
    _assert_near(torch.stack([_mean_std(each) for each in tokens]), golden["block_mean_std"], TOKEN)
    _assert_near(torch.stack([each.flatten()[:16] for each in tokens]), golden["block_first16"], TOKEN)
    _assert_near(torch.stack([each.flatten()[-16:] for each in tokens]), golden["block_last16"], TOKEN)


def _assert_stages(stages: list[Tensor], golden: Any) -> None:
    """The published last stage starts with the mean of its tokens."""
    mean = stages[2].mean(1, keepdim=True)
    _assert_near(mean[0], golden["stage3_global_mean_token"], TOKEN)
    for i, tokens in enumerate([*stages[:2], torch.cat([mean, stages[2]], 1)], 1):
        assert list(tokens.shape) == golden[f"stage{i}_shape"].tolist()
        _assert_near(_mean_std(tokens), golden[f"stage{i}_mean_std"], TOKEN)
        _assert_near(tokens.flatten()[:64], golden[f"stage{i}_first64"], TOKEN)
        _assert_near(tokens.flatten()[-64:], golden[f"stage{i}_last64"], TOKEN)


def _mean_std(x: Tensor) -> Tensor:
    return torch.stack([x.double().mean(), x.double().std(unbiased=False)])


def _assert_near(found: Tensor, wanted: Any, tolerance: float) -> None:
    assert tuple(found.shape) == wanted.shape
    assert np.abs(found.double().numpy() - wanted).max() <= tolerance


@pytest.mark.parametrize(
    ("table", "search", "template", "step"),
    [
        ("att_320x320", 16, 8, 1),
        ("shrink_80x320", 16, 8, 2),
        ("att_80x80", 8, 4, 1),
        ("shrink_20x80", 8, 4, 2),
        ("att_20x20", 4, 2, 1),
    ],
)
def test_offsets_are_numbered_as_published(table: str, search: int, template: int, step: int) -> None:
    published = np.load(DATA / "hit_bias_tables.npz")[table]
    np.testing.assert_array_equal(bias_indices(search, template, shrink=step == 2), published)
    np.testing.assert_array_equal(offset_numbers(search, template, step), published)


@pytest.mark.parametrize(("search", "template"), [(4, 4), (8, 2), (12, 8), (4, 8), (14, 0)])
@pytest.mark.parametrize("step", [1, 2])
def test_offsets_of_other_crops(search: int, template: int, step: int) -> None:
    found = bias_indices(search, template, shrink=step == 2)
    np.testing.assert_array_equal(found, offset_numbers(search, template, step))


@torch.inference_mode()
def test_weights_may_come_at_any_time() -> None:
    """Loaded after a forward in eval mode, nothing of the biases before is left."""
    first, state = scattered(TINY), scattered(TINY).state_dict()
    inputs = crops(TINY)
    before = first(*inputs).boxes
    first.load_state_dict(state)
    fresh = build(TINY)
    fresh.load_state_dict(state)
    assert not torch.equal(first(*inputs).boxes, before)
    torch.testing.assert_close(first(*inputs).boxes, fresh.eval()(*inputs).boxes, rtol=0, atol=0)


@pytest.mark.parametrize("kept", [(0, 1), (2, 3, 4), (5,), (0, 8), (0, 1, 2, 3, 4, 5, 6, 7, 8)])
@torch.inference_mode()
def test_a_stage_may_lose_its_layers(kept: tuple[int, ...]) -> None:
    """HiT-Tiny has two layers in the first stage, three in the second and four in the last."""
    spec = replace(TINY, layers=tuple(TINY.layers[i] for i in kept))
    out = scattered(spec)(*crops(spec), collect=True)
    cells, widths = (64, 16, 4), [stage.dim for stage in spec.stages]
    assert out.layers is not None
    assert [tuple(x.shape) for x in out.layers] == [(2, cells[x.stage], widths[x.stage]) for x in spec.layers]


@torch.inference_mode()
def test_layers_are_the_search_tokens_behind_them() -> None:
    model = scattered(TINY)
    assert isinstance(model, HitTracker)
    seen = _watch(model)
    out = model(*crops(TINY), collect=True)
    assert out.layers is not None
    for layer, entry in zip(out.layers, (2, 4, 8, 10, 12, 16, 18, 20, 22), strict=True):
        torch.testing.assert_close(layer, seen["tokens"][entry][:, : layer.shape[1]], rtol=0, atol=0)


def test_residual_branches_start_at_zero_and_are_left_out_alike() -> None:
    model = build(TINY, drop_path=0.25)
    assert isinstance(model, HitTracker)
    assert {block.drop_path.rate for block in (*model.backbone.blocks, *model.backbone.shrinks)} == {0.25}
    tokens = torch.randn(2, 80, TINY.dim)
    torch.testing.assert_close(model.backbone.blocks[0](tokens), tokens, rtol=0, atol=0)
    linears = {n: m for n, m in model.backbone.named_modules() if isinstance(m, NormedLinear)}
    closing = {n for n in linears if n.endswith("mlp.fc2") or (n.endswith("attn.proj") and n.startswith("blocks"))}
    assert {n for n, linear in linears.items() if not bool(linear.bn.weight.any())} == closing
