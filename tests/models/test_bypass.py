"""Bypass: which layers are skipped, that skipping is skipping, and what decisions learn from."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from compress.core import BypassSpec, ExecutionPath, ExitSpec, TrackerSpec, UsageError
from compress.models import Tracker, VitTracker, build
from compress.models.adaptive.bypass import straight_through
from compress.testing.networks import BOX, KINDS, crops, made, scattered


@pytest.fixture(params=sorted(KINDS))
def spec(request: pytest.FixtureRequest) -> TrackerSpec:
    torch.manual_seed(0)
    return replace(made(request.param, reduced=True), bypass=BypassSpec(n_enf=1))


def _model(spec: TrackerSpec) -> VitTracker:
    model = scattered(spec)
    assert isinstance(model, VitTracker)
    return model


def _calls(model: Tracker) -> list[int]:
    """Filled with the index of every block, as often as it runs."""
    found: list[int] = []
    for i, block in enumerate(model.backbone.blocks):
        block.register_forward_hook(lambda *_, i=i: found.append(i))
    return found


def _divided(model: VitTracker, template: Tensor, search: Tensor) -> VitTracker:
    """Every decision splits these frames into halves."""
    for column, gate in enumerate(model.bypass.gates.values()):
        logits = model(template, search).decisions.bypass[:, column].logit().sort().values
        gate.bias.sub_(logits[len(logits) // 2 - 1 : len(logits) // 2 + 1].mean())
    return model


@torch.no_grad()
def test_the_first_layers_are_never_skipped(spec: TrackerSpec) -> None:
    for n_enf in (0, 1, 2):
        model = _model(replace(spec, bypass=BypassSpec(n_enf=n_enf, rho=0.0)))
        decisions = model(*crops(spec), template_box=BOX.expand(2, 4)).decisions
        assert decisions.skipped.tolist() == [[i >= n_enf for i in range(3)]] * 2
        assert decisions.bypass.shape == (2, 3 - n_enf)
        assert decisions.exit.tolist() == [0, 0]


@torch.no_grad()
def test_a_skipped_layer_is_not_computed(spec: TrackerSpec) -> None:
    model = _model(replace(spec, bypass=BypassSpec(n_enf=1, rho=0.0)))
    template, search = crops(spec, 1)
    memory = model.encode_template(template)
    calls = _calls(model)
    model.track(search, memory)
    assert calls == [0]
    calls.clear()
    model.track(search, memory, forced_path=ExecutionPath(skipped=frozenset({1})))
    assert calls == [0, 2]


@torch.no_grad()
def test_among_others_a_layer_sees_only_frames_that_need_it(spec: TrackerSpec) -> None:
    template, search = crops(spec, 8)
    model = _divided(_model(spec), template, search)
    memory = model.encode_template(template)
    seen: dict[int, int] = {}
    for i, block in enumerate(model.backbone.blocks):
        block.register_forward_hook(lambda _, inputs, __, i=i: seen.update({i: len(inputs[0])}))
    model.track(search, memory)
    assert seen == {0: 8, 1: 4, 2: 4}


@torch.no_grad()
def test_skipping_equals_a_layer_that_adds_nothing(spec: TrackerSpec) -> None:
    model = _model(spec)
    template, search = crops(spec)
    memory = model.encode_template(template, BOX.expand(2, 4))
    skipped = model.track(search, memory, forced_path=ExecutionPath(frozenset({1})), collect=True)
    assert torch.equal(skipped.layers[1], skipped.layers[0])
    for linear in (model.backbone.blocks[1].attn.proj, model.backbone.blocks[1].mlp.fc2):
        linear.weight.zero_()
        linear.bias.zero_()
    computed = model.track(search, memory, forced_path=ExecutionPath(frozenset()), collect=True)
    torch.testing.assert_close(skipped.boxes, computed.boxes)
    torch.testing.assert_close(skipped.layers, computed.layers)


@torch.no_grad()
def test_skipping_equals_a_network_without_the_layers() -> None:
    torch.manual_seed(0)
    spec = replace(made("joint", reduced=False), bypass=BypassSpec(n_enf=0))
    model = _model(spec)
    shallow = build(replace(spec, layers=spec.layers[:1], bypass=BypassSpec(n_enf=0, rho=1.0))).eval()
    state = model.state_dict()
    shallow.load_state_dict({name: state[name] for name in shallow.state_dict()})
    template, search = crops(spec)
    found = model(template, search, forced_path=ExecutionPath(frozenset({1, 2})))
    assert torch.equal(found.boxes, shallow(template, search).boxes)


@pytest.mark.parametrize(("exits", "token"), [((), -1), ((ExitSpec(3),), -2)])
@torch.no_grad()
def test_the_probability_reads_the_bypass_token_as_it_enters(
    spec: TrackerSpec, exits: tuple[ExitSpec, ...], token: int
) -> None:
    """The IoU token of the exits comes behind it."""
    model = _model(replace(spec, exits=exits))
    template, search = crops(spec)
    memory = model.encode_template(template)
    entered: list[Tensor] = []
    for block in model.backbone.blocks:
        block.register_forward_pre_hook(lambda _, inputs: entered.append(inputs[0]))
    bypass = model.track(search, memory, forced_path=ExecutionPath(frozenset())).decisions.bypass
    for column, layer in enumerate((1, 2)):
        gate = model.bypass.gates[str(layer)]
        logit = (entered[layer][:, token] * gate.weight).sum(1) + gate.bias
        torch.testing.assert_close(bypass[:, column], 1 / (1 + (-logit).exp()))


@torch.no_grad()
def test_every_frame_goes_as_it_would_alone(spec: TrackerSpec) -> None:
    template, search = crops(spec, 8)
    model = _divided(_model(spec), template, search)
    together = model(template, search, collect=True)
    assert together.decisions.skipped.sum(0).tolist() == [0, 4, 4]
    for i in range(8):
        alone = model(template[i : i + 1], search[i : i + 1], collect=True)
        assert alone.decisions.skipped[0].tolist() == together.decisions.skipped[i].tolist()
        torch.testing.assert_close(alone.decisions.bypass[0], together.decisions.bypass[i], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(alone.boxes[0], together.boxes[i], rtol=1e-4, atol=1e-5)
        for a, b in zip(alone.layers, together.layers, strict=True):
            torch.testing.assert_close(a[0], b[i], rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_forcing_what_is_decided_anyway_changes_nothing(spec: TrackerSpec) -> None:
    template, search = crops(spec, 8)
    model = _divided(_model(spec), template, search)
    template, search = template[:1], search[:1]
    free = model(template, search)
    path = frozenset(i for i, skip in enumerate(free.decisions.skipped[0].tolist()) if skip)
    forced = model(template, search, forced_path=ExecutionPath(path))
    assert torch.equal(forced.boxes, free.boxes)
    assert torch.equal(forced.decisions.skipped, free.decisions.skipped)
    other = model(template, search, forced_path=ExecutionPath(frozenset({1, 2}) - path))
    assert not torch.equal(other.boxes, free.boxes)


@torch.no_grad()
def test_a_threshold_of_one_computes_everything(spec: TrackerSpec) -> None:
    model = _model(spec)
    worst = _model(replace(spec, bypass=BypassSpec(n_enf=1, rho=1.0)))
    worst.load_state_dict(model.state_dict())
    template, search = crops(spec)
    out = worst(template, search)
    assert not bool(out.decisions.skipped.any())
    assert torch.equal(out.boxes, model(template, search, forced_path=ExecutionPath(frozenset())).boxes)


@torch.no_grad()
def test_fresh_decisions_skip_nothing(spec: TrackerSpec) -> None:
    """At a threshold of just their probability, too."""
    for rho in (0.5, float(torch.tensor(-1.0).sigmoid())):
        decisions = build(replace(spec, bypass=BypassSpec(n_enf=1, rho=rho))).eval()(*crops(spec)).decisions
        torch.testing.assert_close(decisions.bypass, torch.full((2, 2), -1.0).sigmoid(), rtol=0, atol=0)
        assert not bool(decisions.skipped.any())


def test_training_runs_the_network_that_tracks(spec: TrackerSpec) -> None:
    template, search = crops(spec, 8)
    with torch.no_grad():
        model = _divided(_model(spec), template, search)
    tracking = model(template, search, collect=True)
    training = model.train()(template, search, collect=True)
    assert torch.equal(training.decisions.skipped, tracking.decisions.skipped)
    for a, b in zip(training.layers, tracking.layers, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


def test_decisions_learn_from_what_a_layer_would_change() -> None:
    torch.manual_seed(0)
    before, after, slope = (torch.randn(4, 3, 2, requires_grad=True) for _ in range(3))
    p = torch.rand(4, requires_grad=True)
    skip = torch.tensor([True, False, True, False])
    out = straight_through(before, after, p, skip)
    assert torch.equal(out, torch.where(skip[:, None, None], before, after))
    found = torch.autograd.grad((out * slope.detach()).sum(), (p, before, after))
    gate = (~skip).float().requires_grad_()
    mixed = before + gate[:, None, None] * (after - before)
    wanted = torch.autograd.grad((mixed * slope.detach()).sum(), (gate, before, after))
    torch.testing.assert_close(found, (-wanted[0], *wanted[1:]))


def test_gradients_reach_every_decision_and_the_token(spec: TrackerSpec) -> None:
    """Without an own loss on the probabilities, skipped or not; skipped layers themselves learn nothing."""
    for path in (frozenset({1, 2}), frozenset[int]()):
        model = _model(spec).train()
        model(*crops(spec), forced_path=ExecutionPath(path)).boxes.sum().backward()
        gates = model.bypass.gates.values()
        assert all(bool(gate.weight.grad.any()) and bool(gate.bias.grad.any()) for gate in gates)
        assert bool(model.backbone.extra_tokens.grad.any())
        learns = [_learns(model.backbone.blocks[i].mlp) for i in range(3)]
        assert learns == [i not in path for i in range(3)] or spec.attention != "joint"


def _learns(module: nn.Module) -> bool:
    return any(p.grad is not None and bool(p.grad.any()) for p in module.parameters())


def test_routes_that_a_tracker_does_not_have_are_named(spec: TrackerSpec) -> None:
    model, static = build(spec), build(replace(spec, bypass=None))
    with pytest.raises(UsageError, match=r"can skip layers 1 to 2, but the path skips \[0, 1\]"):
        model(*crops(spec), forced_path=ExecutionPath(frozenset({0, 1})))
    with pytest.raises(UsageError, match="has 0 exits"):
        model(*crops(spec), forced_path=ExecutionPath(exit=0))
    with pytest.raises(UsageError, match="can skip no layers"):
        static(*crops(spec), forced_path=ExecutionPath(frozenset({1})))
    assert static(*crops(spec), forced_path=ExecutionPath(frozenset())).decisions is None
