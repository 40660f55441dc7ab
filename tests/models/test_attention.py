"""The attention of plain-ViT trackers against a plain reading: masks over all tokens, full-width matrices."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from compress.core import TrackerSpec, describe
from compress.models import VitTracker, build
from compress.models.blocks import Attention, Mlp
from compress.models.vit.backbone import PatchEmbed
from compress.models.vit.elimination import centre_token, motion_prior
from compress.testing.networks import BOX, SPECS, crops, made, scattered

STATIC = sorted(name for name, spec in SPECS.items() if spec.backbone == "vit" and not (spec.bypass or spec.exits))


@pytest.fixture(params=STATIC)
def spec(request: pytest.FixtureRequest) -> TrackerSpec:
    torch.manual_seed(0)
    return SPECS[request.param]


@torch.no_grad()
def test_equals_a_plain_reading_of_the_attention(spec: TrackerSpec) -> None:
    """Against masks over all tokens at once, with no cache, no fused kernel and full-width matrices."""
    model = scattered(spec)
    template, search = crops(spec)
    box = BOX.expand(2, 4)
    wanted = _plain(model, template, search, box)
    out = model(template, search, template_box=box, collect=True)
    torch.testing.assert_close(out.layers[-1], wanted, rtol=1e-4, atol=1e-4)


def _plain(model: VitTracker, template: Tensor, search: Tensor, box: Tensor) -> Tensor:
    spec, backbone = model.spec, model.backbone
    z = torch.cat([backbone.embed_template(template)] * (1 + spec.online_templates), 1)
    patches = z.shape[1]
    x = torch.cat([backbone.embed_search(search), *backbone.learned_tokens(len(search))], 1)
    if model.target_token_embed is not None:
        z = torch.cat([model.target_token_embed(box)[:, None], z], 1)
    finished = z
    for block in backbone.blocks:
        finished = _plain_block(block, finished, torch.ones(z.shape[1], z.shape[1]))
    finished = finished[:, finished.shape[1] - patches :]
    alive = torch.ones(x.shape[:2])
    for layer, block in zip(spec.layers, backbone.blocks, strict=True):
        seen = {"FE": z[:, :0], "AI": finished}.get(layer.attention, z)
        nz, nx = seen.shape[1], x.shape[1]
        mask = torch.ones(nz + nx, nz + nx)
        if layer.attention != "joint":
            mask[:nz, nz:] = 0
        mask = mask * torch.cat([torch.ones(len(x), nz), alive], 1)[:, None]
        tokens = torch.cat([seen, x], 1)
        if layer.keep is not None:
            row = nz - patches + centre_token(spec)
            seen_by = _plain_weights(block.attn, block.norm1(tokens), mask)[:, :, row, nz:].mean(1)
            seen_by = seen_by * (motion_prior(spec) if spec.keep_by == "motion" else 1)
            alive = _highest(seen_by, math.ceil(layer.keep * int(alive[0].sum())))
        out = _plain_block(block, tokens, mask)
        x = out[:, nz:]
        z = out[:, :nz] if layer.attention in ("joint", "asymmetric") else z
    return (backbone.norm(x) * alive[:, :, None])[:, : spec.search_tokens]


def _highest(scores: Tensor, count: int) -> Tensor:
    """(B, N) → ones at the `count` highest of each row."""
    return (scores >= scores.sort(dim=1, descending=True).values[:, count - 1 : count]).float()


def _plain_block(block: Any, x: Tensor, mask: Tensor) -> Tensor:
    x = x + _plain_attention(block.attn, block.norm1(x), mask)
    inputs = block.norm2(x)
    weight = _full_width(block.mlp.fc1.weight, block.mlp.kept, x.shape[-1])
    return x + block.mlp.fc2(F.gelu(F.linear(inputs, weight, block.mlp.fc1.bias)))


def _plain_attention(attn: Attention, x: Tensor, mask: Tensor) -> Tensor:
    d, hv = attn.keys, attn.values // attn.heads
    weights, values = _plain_weights(attn, x, mask), _plain_qkv(attn, x)[..., 2 * d :]
    heads = [weights[:, h] @ values[..., h * hv : (h + 1) * hv] for h in range(attn.heads)]
    out: Tensor = attn.proj(torch.cat(heads, -1))
    return out


def _plain_weights(attn: Attention, x: Tensor, mask: Tensor) -> Tensor:
    """(B, heads, N, N), each row adding up to one."""
    qkv, d, hd = _plain_qkv(attn, x), attn.keys, attn.keys // attn.heads
    weights = []
    for h in range(attn.heads):
        q, k = qkv[..., h * hd : (h + 1) * hd], qkv[..., d + h * hd : d + (h + 1) * hd]
        scores = (q @ k.transpose(1, 2) / hd**0.5).masked_fill(mask == 0, float("-inf"))
        weights.append(scores.softmax(-1))
    return torch.stack(weights, 1)


def _plain_qkv(attn: Attention, x: Tensor) -> Tensor:
    return F.linear(x, _full_width(attn.qkv.weight, attn.kept, x.shape[-1]), attn.qkv.bias)


def _full_width(weight: Tensor, kept: Tensor | None, dim: int) -> Tensor:
    """The matrix with zero columns where dimension reduction reads nothing (ABTrack's own form)."""
    if kept is None:
        return weight
    full = weight.new_zeros(len(weight), dim)
    full[:, kept] = weight
    return full


@torch.no_grad()
def test_without_a_box_the_token_takes_no_part() -> None:
    torch.manual_seed(0)
    model = scattered(made("FE-AI", reduced=False, token=True))
    template, search = crops(model.spec)

    def last(box: Tensor | None = None) -> Tensor:
        layers = model(template, search, template_box=box, collect=True).layers
        assert layers is not None
        return layers[-1]

    without = last()
    assert not torch.equal(without, last(BOX.expand(2, 4)))
    model.target_token_embed.fc2.weight.add_(1.0)
    torch.testing.assert_close(last(), without, rtol=0, atol=0)


@pytest.mark.parametrize(("size", "token"), [(16, 0), (32, 0), (48, 4), (128, 27), (192, 65)])
def test_the_target_is_the_template_patch_before_the_centre(size: int, token: int) -> None:
    """Row 3, column 3 of 8 × 8 and row 5, column 5 of 12 × 12 in the published code."""
    assert centre_token(replace(describe("ostrack256-ce"), template_size=size)) == token


@pytest.mark.parametrize("name", ["joint", "FE-AI-token", "two-online"])
def test_of_the_template_those_patches_go_on_that_are_nearest_its_middle(name: str) -> None:
    """Embedded as they are in the whole template, with their positions; of each of several templates."""
    torch.manual_seed(0)
    small = build(replace(SPECS[name], template_size=64, keep_template=0.25)).eval()
    whole = build(replace(SPECS[name], template_size=64)).eval()
    small.load_state_dict(whole.state_dict())
    templates = list(torch.randn(1 + SPECS[name].online_templates, 2, 3, 64, 64).unbind(0))
    box = BOX.expand(2, -1) if SPECS[name].target_token else None
    found, every = (cast(VitTracker, model).template_tokens(templates, box) for model in (small, whole))
    token = int(SPECS[name].target_token)
    kept = list(range(token))
    kept += [token + 16 * k + i for k in range(len(templates)) for i in (5, 6, 9, 10)]
    torch.testing.assert_close(found, every[:, kept])
    assert found.shape[1] == small.spec.template_tokens


def test_the_motion_prior_by_hand() -> None:
    """Four tokens a side at twice the box: σ is half a crop, tokens are an eighth and three eighths off the middle."""
    spec = replace(SPECS["eliminating-motion"], search_factor=2.0)
    near, far = 1 / 8, 3 / 8
    e, m, c = (math.exp(-(dx**2 + dy**2) / (2 * 0.5**2)) for dx, dy in ((near, near), (near, far), (far, far)))
    wanted = torch.tensor([[c, m, m, c, m, e, e, m, m, e, e, m, c, m, m, c]])
    torch.testing.assert_close(motion_prior(spec), wanted)
    assert (e, c) == pytest.approx((0.939413, 0.569783), abs=1e-6)


@torch.no_grad()
def test_motion_keeps_the_middle_where_attention_does_not_tell() -> None:
    """With queries of zero all tokens are seen alike, so that the prior alone decides: the middle four, then theirs."""
    layers = (replace(SPECS["joint"].layers[0], keep=0.25), replace(SPECS["joint"].layers[1], keep=0.5))
    model = scattered(replace(SPECS["joint"], layers=(*layers, SPECS["joint"].layers[2]), keep_by="motion"))
    for block in model.backbone.blocks:
        for parameter in (block.attn.qkv.weight, block.attn.qkv.bias):
            parameter[: model.spec.dim] = 0
    out = model(*crops(model.spec), collect=True)
    alive = [layer.any(-1) for layer in out.layers]
    middle = torch.tensor([5, 6, 9, 10])
    assert all(row.nonzero().flatten().tolist() == middle.tolist() for row in alive[0])
    assert all(set(row.nonzero().flatten().tolist()) <= set(middle.tolist()) for row in alive[1])
    assert alive[2].sum(1).tolist() == [2, 2]


def test_patches_in_training_are_those_of_the_convolution() -> None:
    embed = PatchEmbed(12, 4)
    image = torch.randn(2, 3, 16, 16)
    answers = []
    for part in (embed.train(), embed.eval()):
        part.zero_grad()
        tokens = part(image)
        (tokens * torch.arange(tokens.numel()).view_as(tokens)).sum().backward()
        answers.append([tokens, part.proj.weight.grad, part.proj.bias.grad])
    for trained, evaluated in zip(*answers, strict=True):
        torch.testing.assert_close(trained, evaluated, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(("kept", "memory"), [(8, 0), (16, 0), (8, 7), (None, 7)])
def test_narrow_values_are_attended_to_in_one_kernel_of_the_cpu(kept: int | None, memory: int) -> None:
    """Values alone and with gradients, against the softmax as it is written."""
    torch.manual_seed(0)
    attention = Attention(24, 2, kept=kept)
    x, before = torch.randn(3, 5, 24, requires_grad=True), torch.randn(3, memory, 24)
    q, k, v = attention.queries_keys_values(x)
    k, v = (torch.cat(each, 2) for each in zip(attention.keys_values(before), (k, v), strict=True))
    weights = (q @ k.transpose(2, 3) / 12**0.5).softmax(-1)
    wanted = attention.proj((weights @ v).transpose(1, 2).flatten(2))
    found = attention.attend(q, k, v)
    torch.testing.assert_close(found, wanted)
    gradients = [torch.autograd.grad(each.square().sum(), x, retain_graph=True)[0] for each in (found, wanted)]
    torch.testing.assert_close(*gradients)
    assert _is_one_kernel(lambda: attention.attend(q, k, v))
    q, k, v = (each.detach() for each in (q, k, v))
    with torch.no_grad():
        assert _is_one_kernel(lambda: attention.attend(q, k, v)) == (kept is None)
        assert _is_one_kernel(lambda: attention.packed().attend(q, k, v))
        torch.testing.assert_close(attention.attend(q, k, v), wanted)


def _is_one_kernel(run: Callable[[], object]) -> bool:
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as seen:
        run()
    return "aten::_scaled_dot_product_flash_attention_for_cpu" in {each.key for each in seen.key_averages()}


@pytest.mark.parametrize("shape", [(12,), (5, 12), (2, 5, 12), (2, 3, 5, 12)])
def test_kept_dimensions_are_gathered_from_any_number_of_axes(shape: tuple[int, ...]) -> None:
    reduced = Mlp(12, 4, 12, kept=5)
    assert reduced.kept is not None
    reduced.kept.copy_(torch.tensor([0, 3, 4, 9, 11]))
    x = torch.randn(shape, requires_grad=True)
    found = reduced.gather(x)
    torch.testing.assert_close(found, x[..., reduced.kept], rtol=0, atol=0)
    found.square().sum().backward()
    wanted = torch.zeros(shape)
    wanted[..., reduced.kept] = 2 * x.detach()[..., reduced.kept]
    torch.testing.assert_close(x.grad, wanted, rtol=0, atol=0)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")  # of the tracer
def test_traced_attention_stays_as_the_network_says_it() -> None:
    """What is exported or counted has no trace of how a CPU computes it fastest."""
    attention = Attention(24, 2, kept=8).requires_grad_(False).packed()
    x = torch.randn(1, 5, 24)
    traced = torch.jit.trace(lambda x: attention.attend(*attention.queries_keys_values(x)), x)
    kinds = {node.kind() for node in traced.graph.nodes()}
    assert {"aten::index_select", "aten::scaled_dot_product_attention"} <= kinds
    assert "aten::pad" not in kinds
