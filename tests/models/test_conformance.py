"""Every named tracker, and every attention with and without dimension reduction, keeps the same promises."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from small import PENDING, small
from torch import Tensor, nn

from compress.core import TRACKERS, HeadSpec, LayerSpec, TrackerSpec, UsageError, describe
from compress.core.cost import macs, parameters
from compress.models import Tracker, build
from compress.models.blocks import Attention
from compress.models.elimination import centre_token

BOX = torch.tensor([[0.2, 0.3, 0.8, 0.7]])
KINDS: dict[str, tuple[Any, ...]] = {
    "joint": ("joint",) * 3,
    "asymmetric": ("asymmetric",) * 3,
    "FE-AI": ("FE", "FE", "AI"),
    "AI": ("AI",) * 3,
}


def _made(kind: str, *, reduced: bool, token: bool = False) -> TrackerSpec:
    dims = {"attn_dims": 18, "mlp_dims": 13} if reduced else {}
    layers = tuple(LayerSpec(source=i, mlp_hidden=40, attention=a, **dims) for i, a in enumerate(KINDS[kind]))
    head = HeadSpec(channels=8)
    spec = TrackerSpec(dim=24, heads=3, layers=layers, template_size=32, search_size=64, head=head)
    return replace(spec, target_token=token)


def _eliminating(spec: TrackerSpec) -> TrackerSpec:
    """The first layer keeps four tenths of its candidates and the last three fifths of those: 16, 7, 7, 5."""
    keeps = (0.4, None, 0.6)
    return replace(spec, layers=tuple(replace(x, keep=keep) for x, keep in zip(spec.layers, keeps, strict=True)))


SPECS = {name: small(describe(name)) for name in TRACKERS.names() if name not in PENDING}
SPECS |= {f"{kind}{'-reduced' * reduced}": _made(kind, reduced=reduced) for kind in KINDS for reduced in (False, True)}
SPECS |= {f"{kind}-token": _made(kind, reduced=True, token=True) for kind in KINDS}
SPECS |= {f"eliminating-{end}": _eliminating(SPECS[f"joint-{end}"]) for end in ("reduced", "token")}


@pytest.fixture(params=sorted(SPECS))
def spec(request: pytest.FixtureRequest) -> TrackerSpec:
    torch.manual_seed(0)
    return SPECS[request.param]


def _scattered(spec: TrackerSpec) -> Tracker:
    """A network away from its start, so that nothing is near zero or one by luck."""
    model = build(spec).eval()
    for parameter in model.parameters():
        parameter.data.add_(torch.randn_like(parameter) * 0.2)
    for name, buffer in model.named_buffers():
        if name.endswith("kept"):
            buffer.copy_(torch.randperm(spec.dim)[: len(buffer)].sort().values)
    return model


def _crops(spec: TrackerSpec, batch: int = 2) -> tuple[Tensor, Tensor]:
    return torch.randn(batch, 3, spec.template_size, spec.template_size), torch.randn(
        batch, 3, spec.search_size, spec.search_size
    )


@torch.no_grad()
def test_output_has_its_shapes(spec: TrackerSpec) -> None:
    template, search = _crops(spec)
    out = _scattered(spec)(template, search, template_box=BOX.expand(2, 4), collect=True)
    n = spec.grid
    assert {name: tuple(m.shape) for name, m in out.maps.items()} == {
        "score_map": (2, 1, n, n),
        "size_map": (2, 2, n, n),
        "offset_map": (2, 2, n, n),
    }
    assert out.boxes.shape == (2, 4)
    assert [tuple(layer.shape) for layer in out.layers] == [(2, n * n, spec.dim)] * len(spec.layers)
    assert [int(layer[1].any(1).sum()) for layer in out.layers] == list(spec.search_tokens_after)
    row, col = divmod(int(out.maps["score_map"][1].argmax()), n)
    dx, dy = out.maps["offset_map"][1, :, row, col]
    wanted = torch.stack([(col + dx) / n, (row + dy) / n, *out.maps["size_map"][1, :, row, col]])
    torch.testing.assert_close(out.boxes[1], wanted)
    torch.testing.assert_close(out.score, out.maps["score_map"].flatten(1).amax(1))


@torch.no_grad()
def test_equals_a_plain_reading_of_the_attention(spec: TrackerSpec) -> None:
    """Against masks over all tokens at once, with no cache, no fused kernel and full-width matrices."""
    model = _scattered(spec)
    template, search = _crops(spec)
    box = BOX.expand(2, 4)
    wanted = _plain(model, template, search, box)
    out = model(template, search, template_box=box, collect=True)
    torch.testing.assert_close(out.layers[-1], wanted, rtol=1e-4, atol=1e-4)
    memory = model.encode_template(template, box)
    first, again = model.track(search, memory), model.track(search, memory)
    torch.testing.assert_close(first.boxes, out.boxes)
    torch.testing.assert_close(again.boxes, first.boxes, rtol=0, atol=0)


def test_gradients_reach_everything(spec: TrackerSpec) -> None:
    model = build(spec, drop_path=0.1).train()
    for block in model.backbone.blocks:
        block.drop_path.rate = 0.0  # a dropped branch has no gradient
    template, search = _crops(spec)
    out = model(template, search, template_box=BOX.expand(2, 4))
    sum((m.square().sum() for m in out.maps.values()), out.boxes.sum()).backward()
    # Batch norm takes any bias before it away again: that gradient is zero but for rounding.
    cancelled = {f"box_head.conv{i}_{branch}.0.bias" for i in range(1, 5) for branch in ("ctr", "offset", "size")}
    gradients = {n: p.grad for n, p in model.named_parameters() if n not in cancelled}
    assert [n for n, gradient in gradients.items() if gradient is None or not bool(gradient.any())] == []


def test_spec_survives_and_cost_counts(spec: TrackerSpec) -> None:
    model = build(spec)
    assert TrackerSpec.from_dict(model.spec.to_dict()) == spec
    assert parameters(spec) == sum(p.numel() for p in model.parameters())
    cost = macs(spec)
    template, search = _crops(spec, 1)
    assert cost.full == cost.template + cost.per_frame
    assert cost.full == _counted(_Whole(model), (template, search, BOX))
    assert cost.template == _counted(_Template(model), (template, BOX))


def _counted(module: nn.Module, inputs: tuple[Tensor, ...]) -> int:
    """fvcore's count of linear layers and convolutions, with the attention products it does not know added."""
    with warnings.catch_warnings():  # fvcore scripts and traces, which torch calls deprecated
        warnings.simplefilter("ignore")
        from fvcore.nn import FlopCountAnalysis

        analysis = FlopCountAnalysis(module.eval(), inputs).unsupported_ops_warnings(False)
        analysis.uncalled_modules_warnings(False).set_op_handle("aten::scaled_dot_product_attention", _products)
        counted = analysis.by_operator()
    return int(sum(counted[op] for op in ("linear", "conv", "matmul", "scaled_dot_product_attention")))


def _products(inputs: list[Any], _outputs: list[Any]) -> int:
    q, k, v = (value.type().sizes() for value in inputs[:3])
    return int(q[0] * q[1] * q[2] * k[2] * (k[3] + v[3]))


class _Whole(nn.Module):
    def __init__(self, model: Tracker) -> None:
        super().__init__()
        self.model = model

    def forward(self, template: Tensor, search: Tensor, box: Tensor) -> Tensor:
        maps = self.model.track(search, self.model.encode_template(template, box)).maps
        return torch.cat([maps["score_map"], maps["size_map"], maps["offset_map"]], 1)


class _Template(nn.Module):
    def __init__(self, model: Tracker) -> None:
        super().__init__()
        self.model = model

    def forward(self, template: Tensor, box: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.model.encode_template(template, box).values())


def _plain(model: Tracker, template: Tensor, search: Tensor, box: Tensor) -> Tensor:
    spec, backbone = model.spec, model.backbone
    z, x = backbone.embed_template(template), backbone.embed_search(search)
    if model.target_token_embed is not None:
        z = torch.cat([model.target_token_embed(box)[:, None], z], 1)
    finished = z
    for block in backbone.blocks:
        finished = _plain_block(block, finished, torch.ones(z.shape[1], z.shape[1]))
    finished = finished[:, finished.shape[1] - backbone.pos_embed_z.shape[1] :]
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
            row = nz - backbone.pos_embed_z.shape[1] + centre_token(spec)
            seen_by = _plain_weights(block.attn, block.norm1(tokens), mask)[:, :, row, nz:].mean(1)
            alive = _highest(seen_by, math.ceil(layer.keep * int(alive[0].sum())))
        out = _plain_block(block, tokens, mask)
        x = out[:, nz:]
        z = out[:, :nz] if layer.attention in ("joint", "asymmetric") else z
    return backbone.norm(x) * alive[:, :, None]


def _highest(scores: Tensor, count: int) -> Tensor:
    """(B, N) → ones at the `count` highest of each row."""
    return (scores >= scores.sort(dim=1, descending=True).values[:, count - 1 : count]).float()


def _plain_block(block: Any, x: Tensor, mask: Tensor) -> Tensor:
    x = x + _plain_attention(block.attn, block.norm1(x), mask)
    inputs = block.norm2(x)
    weight = _full_width(block.mlp.fc1.weight, block.mlp.kept, x.shape[-1])
    return x + block.mlp.fc2(F.gelu(F.linear(inputs, weight, block.mlp.fc1.bias)))


def _plain_attention(attn: Attention, x: Tensor, mask: Tensor) -> Tensor:
    d, hv = attn.dim, attn.values // attn.heads
    weights, values = _plain_weights(attn, x, mask), _plain_qkv(attn, x)[..., 2 * d :]
    heads = [weights[:, h] @ values[..., h * hv : (h + 1) * hv] for h in range(attn.heads)]
    out: Tensor = attn.proj(torch.cat(heads, -1))
    return out


def _plain_weights(attn: Attention, x: Tensor, mask: Tensor) -> Tensor:
    """(B, heads, N, N), each row adding up to one."""
    qkv, d, hd = _plain_qkv(attn, x), attn.dim, attn.dim // attn.heads
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
    model = _scattered(_made("FE-AI", reduced=False, token=True))
    template, search = _crops(model.spec)
    without = model(template, search).boxes
    assert not torch.equal(without, model(template, search, template_box=BOX.expand(2, 4)).boxes)
    model.target_token_embed.fc2.weight.add_(1.0)
    torch.testing.assert_close(model(template, search).boxes, without, rtol=0, atol=0)


def test_drop_path_rises_and_works_in_train_mode_only() -> None:
    model = build(_made("joint", reduced=False), drop_path=0.5)
    assert [block.drop_path.rate for block in model.backbone.blocks] == [0.0, 0.25, 0.5]
    crops = _crops(model.spec)
    model.eval()
    torch.testing.assert_close(model(*crops).boxes, model(*crops).boxes, rtol=0, atol=0)
    drop = model.backbone.blocks[2].drop_path.train()
    x = drop(torch.ones(4000, 3, 2))
    assert set(x.unique().tolist()) == {0.0, 2.0}
    assert bool((x == x[:, :1, :1]).all())
    assert abs(float(x.mean()) - 1) < 0.1
    with pytest.raises(UsageError, match="drop_path"):
        build(model.spec, drop_path=1.0)


def test_wrong_crops_are_named() -> None:
    model = build(_made("joint", reduced=False))
    template, search = _crops(model.spec)
    with pytest.raises(UsageError, match=r"template must have shape \(B, 3, 32, 32\) but has \(2, 3, 64, 64\)"):
        model(search, template)
    with pytest.raises(UsageError, match="online template"):
        model(template, search, template)


@pytest.mark.parametrize(("size", "token"), [(16, 0), (32, 0), (48, 4), (128, 27), (192, 65)])
def test_the_target_is_the_template_patch_before_the_centre(size: int, token: int) -> None:
    """Row 3, column 3 of 8 × 8 and row 5, column 5 of 12 × 12 in the published code."""
    assert centre_token(replace(describe("ostrack256-ce"), template_size=size)) == token


@torch.no_grad()
def test_first_score_is_low() -> None:
    model = build(_made("joint", reduced=False)).eval()
    assert float(model(*_crops(model.spec)).score.max()) < 0.1
