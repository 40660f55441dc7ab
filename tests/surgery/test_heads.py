"""Attention heads left out: which stay, and what stays of the function."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from compress.core import TrackerSpec, UsageError
from compress.models import Tracker
from compress.models.blocks import Block
from compress.spaces import Space
from compress.surgery import elastic_network, inherit, observe
from compress.testing.networks import crops, made, scattered

PLAIN, REDUCED = made("joint", reduced=False), made("joint", reduced=True)
WIDTH = PLAIN.dim // PLAIN.heads
torch.manual_seed(0)
CROPS = crops(PLAIN)


def with_heads(spec: TrackerSpec, *heads: int | None) -> TrackerSpec:
    return replace(spec, layers=tuple(replace(x, heads=h) for x, h in zip(spec.layers, heads, strict=True)))


def without_head(model: Tracker, layer: int, head: int) -> None:
    """A head puts out nothing: its values are zero."""
    attn = model.get_submodule(f"backbone.blocks.{layer}.attn")
    width = attn.values // attn.heads
    rows = slice(2 * attn.keys + head * width, 2 * attn.keys + (head + 1) * width)
    with torch.no_grad():
        attn.qkv.weight[rows] = 0
        attn.qkv.bias[rows] = 0


def boxes(model: Tracker) -> Tensor:
    return model(*CROPS).boxes


@pytest.mark.parametrize("spec", [PLAIN, REDUCED], ids=["plain", "reduced"])
@pytest.mark.parametrize("calibrated", [False, True])
@torch.no_grad()
def test_heads_that_put_out_nothing_go_first_and_without_a_trace(spec: TrackerSpec, calibrated: bool) -> None:
    model = scattered(spec)
    for layer, head in ((0, 1), (2, 0), (2, 2)):
        without_head(model, layer, head)
    student = inherit(model, with_heads(spec, 2, None, 1), calibration=CROPS if calibrated else None)
    torch.testing.assert_close(boxes(student), boxes(model), rtol=1e-5, atol=1e-6)
    assert torch.equal(
        student.backbone.blocks[2].attn.qkv.weight[:WIDTH], model.backbone.blocks[2].attn.qkv.weight[WIDTH : 2 * WIDTH]
    )


@torch.no_grad()
def test_heads_are_ranked_by_what_the_projection_takes_of_them() -> None:
    """A head that is loud by its values, but of whose columns the projection takes all but nothing, goes."""
    model = scattered(PLAIN)
    block = model.backbone.blocks[0]
    assert isinstance(block, Block)
    keys = block.attn.keys
    values, bias = block.attn.qkv.weight[2 * keys :], block.attn.qkv.bias[2 * keys :]
    values[:WIDTH] *= 3.0  # loud by its weights, but its columns of the projection are all but nothing
    block.attn.proj.weight[:, :WIDTH] *= 1e-3
    bias[WIDTH : 2 * WIDTH] += 2.0
    seen = observe(model, *CROPS)["blocks.0.attn.proj"]
    scores = (seen.magnitude * block.attn.proj.weight.norm(dim=0)).unflatten(0, (3, -1)).sum(1)
    student = inherit(model, with_heads(PLAIN, 1, None, None), calibration=CROPS)
    best = int(scores.argmax())
    assert torch.equal(
        student.backbone.blocks[0].attn.qkv.weight[:WIDTH], block.attn.qkv.weight[best * WIDTH : (best + 1) * WIDTH]
    )
    assert best != 0


@torch.no_grad()
def test_all_heads_and_fewer_values_are_cut_as_before() -> None:
    """Dimension reduction and fewer heads together are one after the other, the heads first."""
    model = scattered(PLAIN)
    reduced = tuple(replace(x, attn_dims=18) for x in PLAIN.layers)
    heads = with_heads(PLAIN, 2, 2, 2)
    both = inherit(model, with_heads(replace(PLAIN, layers=reduced), 2, 2, 2))
    first = inherit(inherit(model, heads), both.spec)
    assert both.backbone.blocks[0].attn.values == 2 * 6
    for name, value in both.state_dict().items():
        torch.testing.assert_close(first.state_dict()[name], value, rtol=0, atol=0)


@torch.no_grad()
def test_slices_of_shared_weights_are_what_surgery_makes() -> None:
    model = scattered(PLAIN)
    space = Space("x", {"heads": (1, "2/3", "1/3"), "dr_ratio": (0, 0.5)}, per_layer=True)
    elastic = elastic_network(model, space, CROPS)
    spec = with_heads(PLAIN, 1, 2, None)
    torch.testing.assert_close(boxes(elastic.slice(spec)), boxes(inherit(model, spec, calibration=CROPS)))


def test_a_student_has_no_heads_that_its_teacher_lacks() -> None:
    teacher = scattered(with_heads(PLAIN, 1, None, None))
    with pytest.raises(UsageError, match=r"layers\[0\].heads is 3 and the teacher's layer 0 has 1"):
        inherit(teacher, PLAIN)
    with pytest.raises(UsageError, match=r"layers\[1\].heads must be in \[1, heads − 1\], below 3, but is 3"):
        with_heads(PLAIN, None, 3, None)
