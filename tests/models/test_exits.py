"""Exits: recycling, which exit answers, that stopping is stopping, and the pieces a host can run by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from compress.core import BypassSpec, ExecutionPath, ExitSpec, TrackerSpec, UsageError
from compress.models import TrackerOutput, VitTracker, build
from compress.models.adaptive.exits import Exit
from compress.models.heads import Features, decode
from compress.testing.networks import BOX, KINDS, crops, made, scattered

EXITS = (ExitSpec(1, adapter=2), ExitSpec(2, adapter=1), ExitSpec(3))


@pytest.fixture(params=sorted(KINDS.keys() - {"FE-AI"}))
def spec(request: pytest.FixtureRequest) -> TrackerSpec:
    torch.manual_seed(0)
    return replace(made(request.param, reduced=True), exits=EXITS, bypass=BypassSpec(n_enf=1))


def _model(spec: TrackerSpec) -> VitTracker:
    model = scattered(spec)
    assert isinstance(model, VitTracker)
    return model


@torch.no_grad()
def _thirds(spec: TrackerSpec, template: Tensor, search: Tensor) -> VitTracker:
    """Of nine frames three leave at each exit, and every bypass decision splits them all."""
    model = _model(spec)
    for column, gate in enumerate(model.bypass.gates.values()):
        logits = model(template, search, every_exit=True).decisions.bypass[:, column].logit().sort().values
        gate.bias.sub_(logits[4:6].mean())
    scores = torch.stack([each.score for each in model(template, search, every_exit=True).decisions.exits], 1)
    first = scores[:, 0].sort().values[5:7].mean()
    second = scores[scores[:, 0] < first, 1].sort().values[2:4].mean()
    taus = [replace(each, tau=float(tau)) for each, tau in zip(EXITS, (first, second), strict=False)]
    divided = _model(replace(spec, exits=(*taus, EXITS[2])))
    divided.load_state_dict(model.state_dict())
    return divided


def _assert_same(a: TrackerOutput, b: TrackerOutput, **close: float) -> None:
    torch.testing.assert_close((a.boxes, a.score, a.maps), (b.boxes, b.score, b.maps), **close)


def _row(out: TrackerOutput, i: int) -> TrackerOutput:
    return TrackerOutput(out.boxes[i : i + 1], out.score[i : i + 1], {k: v[i : i + 1] for k, v in out.maps.items()})


@pytest.mark.parametrize("kind", sorted(KINDS))
@torch.no_grad()
def test_one_exit_at_the_end_starts_as_the_plain_tracker(kind: str) -> None:
    """Against a tracker with one learned token, too, which it never skips by."""
    torch.manual_seed(0)
    spec = made(kind, reduced=True)
    plain = _model(replace(spec, bypass=BypassSpec(rho=1.0)))
    exiting = build(replace(spec, exits=(ExitSpec(3),))).eval()
    assert not exiting.spec.adaptive
    names = {"box_head.": "exits.0.head.", "backbone.norm.": "exits.0.norm."}
    state = {_renamed(k, names): v for k, v in plain.state_dict().items() if not k.startswith("bypass.")}
    missing, unexpected = exiting.load_state_dict(state, strict=False)
    assert {name.split(".")[2] for name in missing} == {"proj", "score"}
    assert unexpected == []
    template, search = crops(spec)
    found, wanted = (model(template, search, collect=True) for model in (exiting, plain))
    torch.testing.assert_close((found.boxes, found.maps, found.layers), (wanted.boxes, wanted.maps, wanted.layers))
    assert found.decisions.exit.tolist() == [0, 0]


def _renamed(name: str, names: dict[str, str]) -> str:
    for old, new in names.items():
        name = name.replace(old, new) if name.startswith(old) else name
    return name


@torch.no_grad()
def test_every_frame_leaves_as_it_would_alone(spec: TrackerSpec) -> None:
    template, search = crops(spec, 9)
    model = _thirds(spec, template, search)
    together = model(template, search, collect=True)
    assert together.decisions.exit.bincount().tolist() == [3, 3, 3]
    for i in range(9):
        alone = model(template[i : i + 1], search[i : i + 1], collect=True)
        after = int(together.decisions.exit[i]) + 1
        assert len(alone.layers) == after
        _assert_same(alone, _row(together, i), rtol=1e-4, atol=1e-5)
        assert torch.equal(alone.decisions.exit[0], together.decisions.exit[i])
        assert torch.equal(alone.decisions.skipped[0], together.decisions.skipped[i])
        bypass = together.decisions.bypass[i]
        torch.testing.assert_close(alone.decisions.bypass[0], bypass, rtol=1e-4, atol=1e-5, equal_nan=True)
        assert bypass.isnan().tolist() == [after < 2, after < 3]
        scores = together.decisions.scores[i]
        torch.testing.assert_close(alone.decisions.scores[0], scores, rtol=1e-4, atol=1e-5, equal_nan=True)
        assert scores.isnan().tolist() == [after < 1, after < 2, after < 3]
        assert scores[after - 1] == together.score[i]
        for k, layer in enumerate(together.layers):
            assert bool(layer[i].isnan().all()) == (k >= after)
            assert k >= after or torch.allclose(layer[i], alone.layers[k][0], rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_asking_for_every_exit_changes_no_answer(spec: TrackerSpec) -> None:
    template, search = crops(spec, 9)
    model = _thirds(spec, template, search)
    lean, every = model(template, search), model(template, search, every_exit=True, collect=True)
    _assert_same(lean, every, rtol=1e-4, atol=1e-5)
    assert torch.equal(lean.decisions.exit, every.decisions.exit)
    assert lean.decisions.exits is None
    assert [tuple(layer.shape) for layer in every.layers] == [(9, 16, 24)] * 3
    assert not bool(torch.stack(every.layers).isnan().any())
    assert torch.equal(every.layers[2], every.decisions.features[2])
    assert torch.equal(every.decisions.scores, torch.stack([each.score for each in every.decisions.exits], 1))
    for k, answer in enumerate(every.decisions.exits):
        forced = model(template, search, forced_path=ExecutionPath(exit=k))
        _assert_same(forced, answer, rtol=1e-4, atol=1e-5)
        assert forced.decisions.exit.tolist() == [k] * 9
        head = model.exit(k).head
        torch.testing.assert_close(decode(head(Features(every.decisions.features[k])))[0], answer.boxes)


@torch.no_grad()
def test_what_lies_behind_the_exit_is_not_computed(spec: TrackerSpec) -> None:
    model = _model(spec)
    template, search = crops(spec, 1)
    memory = model.encode_template(template)
    calls: list[str] = []
    for name, module in model.named_modules():
        if name.count(".") == 2 and name.startswith(("backbone.blocks", "exits")) and not name.endswith("norm"):
            module.register_forward_hook(lambda *_, name=name: calls.append(name))
    for k in range(3):
        calls.clear()
        model.track(search, memory, forced_path=ExecutionPath(frozenset(), k))
        blocks = [name for name in calls if name.startswith("backbone")]
        assert blocks == [f"backbone.blocks.{i}" for i in range(k + 1)]
        assert [name for name in calls if name.endswith("score")] == [f"exits.{i}.score" for i in range(k + 1)]
        assert [name for name in calls if name.endswith(("proj", "head"))] == [f"exits.{k}.proj", f"exits.{k}.head"]


@torch.no_grad()
def test_thresholds_decide(spec: TrackerSpec) -> None:
    model = _model(spec)
    template, search = crops(spec)
    for tau, exit in ((0.0, 0), (1.0, 2)):
        exits = (*(replace(each, tau=tau) for each in EXITS[:2]), EXITS[2])
        other = _model(replace(spec, exits=exits, bypass=BypassSpec(n_enf=1, rho=1.0)))
        other.load_state_dict(model.state_dict())
        out = other(template, search)
        assert out.decisions.exit.tolist() == [exit] * 2
        assert not bool(out.decisions.skipped.any())
        _assert_same(out, model(template, search, forced_path=ExecutionPath(frozenset(), exit)))


@torch.no_grad()
def test_forcing_what_is_decided_anyway_changes_nothing(spec: TrackerSpec) -> None:
    template, search = crops(spec, 9)
    model = _thirds(spec, template, search)
    for i in range(9):
        frame = template[i : i + 1], search[i : i + 1]
        free = model(*frame)
        path = frozenset(j for j, skip in enumerate(free.decisions.skipped[0].tolist()) if skip)
        _assert_same(model(*frame, forced_path=ExecutionPath(path, int(free.decisions.exit))), free, rtol=0, atol=0)


@torch.no_grad()
def test_a_host_can_run_the_pieces(spec: TrackerSpec) -> None:
    template, search = crops(spec, 9)
    model = _thirds(spec, template, search)
    paths = set()
    for i in range(9):
        memory = model.encode_template(template[i : i + 1])
        out, path = _hosted(model, search[i : i + 1], memory)
        _assert_same(out, model.track(search[i : i + 1], memory), rtol=0, atol=0)
        paths.add(path)
    assert {k for k, *_ in paths} == {0, 1, 2}
    assert any(len(computed) <= k for k, *computed in paths), "something must be skipped"


def _hosted(model: VitTracker, search: Tensor, memory: dict[str, Tensor]) -> tuple[TrackerOutput, tuple[int, ...]]:
    """The answer, the exit taken and the layers computed."""
    x, recycled, computed = model.frame_tokens(search, memory), None, []
    k = 0
    for i in range(len(model.spec.layers)):
        if i not in model.spec.skippable or float(model.decide(i, x)) <= model.spec.bypass.rho:
            x = model.layer(i, x, memory)
            computed.append(i)
        if model.spec.exits[k].after == i + 1:
            recycled, score = model.exit(k)(x, recycled)
            if k == 2 or float(score) > model.spec.exits[k].tau:
                break
            k += 1
    return model.exit(k).answer(model.exit(k).read(recycled), score), (k, *computed)


@pytest.mark.parametrize("recycling", ["none", "a", "b", "c", "d"])
@torch.no_grad()
def test_recycling_follows_its_schema(recycling: Any) -> None:
    """Figure 5, with `f` the adapter and r what the exit before hands on."""
    torch.manual_seed(0)
    spec = replace(made("joint", reduced=False), exits=EXITS, recycling=recycling)
    model = _model(spec)
    h, r = torch.randn(2, 2, 21, spec.dim)

    def f(x: Tensor) -> Tensor:
        for block in model.exit(1).adapter:
            x = block(x)[0]
        return x

    gate = model.exit(1).gate
    wanted = {
        "none": lambda: f(h),
        "a": lambda: f(h) + r,
        "b": lambda: f(h + r),
        "c": lambda: f(torch.cat([r, h], 1))[:, 21:],
        "d": lambda: f(h + torch.tanh(torch.relu(r @ gate[0].weight.T) @ gate[2].weight.T) * r),
    }
    found, score = model.exit(1)(h, r)
    torch.testing.assert_close(found, wanted[recycling]())
    close = [name for name in wanted if name != "d" and torch.allclose(found, wanted[name]())]
    assert close == [recycling] * (recycling != "d")
    mlp, token = model.exit(1).score, model.exit(1).norm(found[:, -1])
    hidden = mlp[2](mlp[0](token).relu()).relu()
    torch.testing.assert_close(score, mlp[4](hidden).sigmoid()[:, 0])
    assert (gate is None) == (recycling != "d")
    assert model.exit(0).gate is None


@torch.no_grad()
def test_recycled_features_are_what_the_adapter_before_put_out() -> None:
    torch.manual_seed(0)
    spec = replace(made("joint", reduced=False), exits=EXITS)
    model = _model(spec)
    template, search = crops(spec)
    every = model(template, search, every_exit=True)
    memory = model.encode_template(template)
    x, recycled = model.frame_tokens(search, memory), None
    for k in range(3):
        x = model.layer(k, x, memory)
        recycled = x if recycled is None else x + recycled
        for block in model.exit(k).adapter:
            recycled = block(recycled)[0]
        read = model.exit(k).proj(model.exit(k).norm(recycled[:, 4:20]))
        torch.testing.assert_close(every.decisions.features[k], read)


def test_gradients_reach_everything(spec: TrackerSpec) -> None:
    model = build(replace(spec, recycling="d")).train()
    torch.nn.init.normal_(model.bypass.gates["2"].weight)  # or a frame's decision would not hang on its token
    out = model(*crops(spec), template_box=BOX.expand(2, 4))
    losses = [m.square().sum() for each in out.decisions.exits for m in (*each.maps.values(), each.boxes, each.score)]
    (torch.stack(losses).sum() + out.decisions.bypass.square().sum()).backward()
    # Batch norm takes any bias before it away again: that gradient is zero but for rounding.
    cancelled = {
        f"exits.{k}.head.conv{i}_{branch}.0.bias"
        for k in range(3)
        for i in range(1, 5)
        for branch in ("ctr", "offset", "size")
    }
    gradients = {n: p.grad for n, p in model.named_parameters() if n not in cancelled}
    assert [n for n, gradient in gradients.items() if gradient is None or not bool(gradient.any())] == []


@torch.no_grad()
def test_a_fresh_exit_is_not_trusted(spec: TrackerSpec) -> None:
    model = build(spec)
    out = model(*crops(spec))
    assert out.decisions.exit.tolist() == [2, 2]
    for answer in out.decisions.exits:
        torch.testing.assert_close(answer.score, torch.full((2,), 0.1), rtol=0, atol=0.02)
    for k in range(3):
        assert torch.equal(model.exit(k).proj.weight, torch.eye(spec.dim))


def test_an_adapter_is_as_wide_as_the_layer_in_front_of_it(spec: TrackerSpec) -> None:
    layers = tuple(replace(layer, mlp_hidden=10 * (i + 1)) for i, layer in enumerate(spec.layers))
    model = build(replace(spec, layers=layers))
    blocks = [block for k in range(3) for block in model.exit(k).adapter]
    assert [block.mlp.fc1.out_features for block in blocks] == [10, 10, 20]
    assert {block.attn.qkv.in_features for block in blocks} == {spec.dim}


def test_exits_have_norms_and_heads_of_their_own(spec: TrackerSpec) -> None:
    for final_norm in (True, False):
        model = build(replace(spec, final_norm=final_norm))
        assert model.box_head is None
        names = set(model.state_dict())
        assert not {name for name in names if name.startswith(("box_head", "backbone.norm"))}
        assert all((f"exits.{k}.norm.weight" in names) == final_norm for k in range(3))
        assert all(isinstance(model.exit(k), Exit) for k in range(3))


def test_an_exit_that_is_not_there_is_named(spec: TrackerSpec) -> None:
    with pytest.raises(UsageError, match="has 3 exits, counted from 0, but the path takes 3"):
        build(spec)(*crops(spec), forced_path=ExecutionPath(exit=3))
