"""Every registered tracker, and trackers that no name stands for, keep the same promises."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from compress.core import TRACKERS, ExecutionPath, TrackerSpec, UsageError, describe
from compress.core.cost import macs, macs_linear_conv, parameters
from compress.export import bundle_graphs, frame_graph, memory_names, template_graph
from compress.models import NumpyNetwork, Tracker, build
from compress.models.fusing import fused
from compress.runtime import GraphNetwork, Thresholds, session
from compress.testing.networks import BOX, SPECS, counted_macs, crops, made, scattered


@pytest.fixture(params=sorted(SPECS))
def spec(request: pytest.FixtureRequest) -> TrackerSpec:
    torch.manual_seed(0)
    return SPECS[request.param]


def test_every_named_tracker_is_here() -> None:
    assert set(TRACKERS.names()) <= set(SPECS)


@torch.no_grad()
def test_output_has_its_shapes(spec: TrackerSpec) -> None:
    template, search = crops(spec)
    out = scattered(spec)(template, search, template_box=BOX.expand(2, 4), collect=True, every_exit=True)
    assert {name: tuple(m.shape) for name, m in out.maps.items()} == {n: (2, *s) for n, s in spec.maps.items()}
    assert (out.boxes.shape, out.score.shape) == ((2, 4), (2,))
    assert bool(out.boxes.isfinite().all())
    assert 0 <= float(out.score.min()) <= float(out.score.max()) <= 1
    assert out.layers is not None
    assert len(out.layers) == len(spec.layers)
    assert (out.decisions is not None) == (spec.bypass is not None or len(spec.exits) > 0)
    if spec.backbone == "vit":
        assert {tuple(layer.shape) for layer in out.layers} == {(2, spec.search_tokens, spec.dim)}
        assert [int(layer[1].any(1).sum()) for layer in out.layers] == list(spec.search_tokens_after)


@torch.no_grad()
def test_template_and_frame_apart_equal_both_at_once(spec: TrackerSpec) -> None:
    model = scattered(spec)
    template, search = crops(spec)
    box = BOX.expand(2, 4)
    whole = model(template, search, template_box=box)
    memory = model.encode_template(template, box)
    first, again = model.track(search, memory), model.track(search, memory)
    for name, value in whole.maps.items():
        torch.testing.assert_close(first.maps[name], value)
        torch.testing.assert_close(again.maps[name], first.maps[name], rtol=0, atol=0)
    torch.testing.assert_close(first.boxes, whole.boxes)


@torch.no_grad()
def test_a_frame_is_told_the_same_alone_and_among_others(spec: TrackerSpec) -> None:
    model = scattered(spec)
    template, search = crops(spec, 3)
    together = model(template, search, template_box=BOX.expand(3, 4))
    for i in range(3):
        alone = model(template[i : i + 1], search[i : i + 1], template_box=BOX)
        torch.testing.assert_close(alone.boxes[0], together.boxes[i], rtol=1e-4, atol=1e-5)
        if together.decisions is not None and alone.decisions is not None:
            assert int(alone.decisions.exit) == int(together.decisions.exit[i])
            assert alone.decisions.skipped[0].tolist() == together.decisions.skipped[i].tolist()


@torch.no_grad()
def test_online_templates_are_seen_where_there_is_a_place_for_them(spec: TrackerSpec) -> None:
    model = scattered(spec)
    template, search = crops(spec)
    if not spec.online_templates:
        with pytest.raises(UsageError, match="takes no online template"):
            model(template, search, template)
        return
    usual, same = model(template, search), model(template, search, template if spec.online_templates == 1 else None)
    torch.testing.assert_close(usual.boxes, same.boxes)
    assert not torch.equal(model(template, search, crops(spec)[0]).boxes, usual.boxes)


def test_gradients_reach_everything(spec: TrackerSpec) -> None:
    model = scattered(spec).train()  # fresh residual branches of a LeViT are behind a zero
    template, search = crops(spec, 4)
    # No layer skipped: one that every frame skips rightly learns nothing.
    out = model(template, search, template_box=BOX.expand(4, 4), forced_path=ExecutionPath(skipped=frozenset()))
    answers = [out, *((out.decisions and out.decisions.exits) or ())]
    total = sum(m.square().sum() for answer in answers for m in answer.maps.values())
    total = total + sum(answer.boxes.square().sum() + answer.score.sum() for answer in answers)
    if out.decisions is not None and out.decisions.bypass is not None:
        total = total + out.decisions.bypass.square().sum()
    torch.autograd.backward(total)
    gradients = {n: p.grad for n, p in model.named_parameters() if p.requires_grad and not _cancelled(n, model)}
    assert [n for n, gradient in gradients.items() if gradient is None or not bool(gradient.any())] == []


def _cancelled(name: str, model: Tracker) -> bool:
    """A bias that batch norm or softmax behind it takes away again: its gradient is zero but for rounding."""
    parent, _, leaf = name.rpartition(".")
    if name.endswith(("conv5_tl.bias", "conv5_br.bias")):
        return True
    before, _, index = parent.rpartition(".")
    if leaf != "bias" or not index.isdigit():
        return False
    siblings = dict(model.get_submodule(before).named_children())
    return isinstance(siblings.get(str(int(index) + 1)), torch.nn.BatchNorm2d)


def test_spec_survives_and_cost_counts(spec: TrackerSpec) -> None:
    model = build(spec).eval()
    assert TrackerSpec.from_dict(model.spec.to_dict()) == spec
    assert parameters(spec) == sum(p.numel() for p in model.parameters())
    cost, light = macs(spec), macs_linear_conv(spec)
    assert cost.full == cost.template + cost.per_frame
    assert (light.min < light.max) == spec.adaptive
    assert light.max <= cost.full or any(layer.mlp_dims for layer in spec.layers)


@torch.no_grad()
def test_cost_is_what_the_network_runs(spec: TrackerSpec) -> None:
    model = fused(build(spec))
    template, search = crops(spec, 1)
    memory = model.encode_template(template, BOX)
    longest = ExecutionPath(skipped=frozenset(), exit=len(spec.exits) - 1 if spec.exits else None)
    assert macs(spec).template == counted_macs(model.encode_template, template, BOX)
    assert macs(spec).per_frame == counted_macs(lambda: model.track(search, memory, forced_path=longest))


@torch.no_grad()
def test_exported_graphs_say_the_same(spec: TrackerSpec) -> None:
    model = scattered(spec)
    template, search = crops(spec, 1)
    if spec.bypass is not None or spec.exits:
        _stages_say_the_same(model, template, search)
        return
    inputs = {"template": template.numpy()} | ({"template_box": BOX.numpy()} if spec.target_token else {})
    if spec.online_templates:
        inputs["online_template"] = template[:, None].expand(-1, spec.online_templates, -1, -1, -1).numpy()
    first, second = (session(graph, threads=1) for graph in (template_graph(model), frame_graph(model)))
    memory = dict(zip(memory_names(model), first.run(None, inputs), strict=True))
    maps = second.run(None, {"search": search.numpy(), **memory})
    wanted = model(template, search, template_box=BOX).maps
    for output, found in zip(second.get_outputs(), maps, strict=True):
        torch.testing.assert_close(torch.from_numpy(found), wanted[output.name], rtol=1e-3, atol=1e-4)


def _stages_say_the_same(model: Tracker, template: Tensor, search: Tensor) -> None:
    """The way that the network takes, and the longest one."""
    spec, box = model.spec, BOX.numpy() if model.spec.target_token else None
    longest = ExecutionPath(frozenset(), len(spec.exits) - 1 if spec.exits else None)
    exported, network = GraphNetwork(spec, bundle_graphs(model)), NumpyNetwork(model)
    forced = exported.at(Thresholds.forcing(spec, longest)), network.along(longest)
    for found, wanted in ((exported, network), forced):
        answers = [each.track(search.numpy(), each.encode_template(template.numpy(), box)) for each in (found, wanted)]
        assert answers[0].path == answers[1].path
        for name, value in answers[1].maps.items():
            np.testing.assert_allclose(answers[0].maps[name], value, rtol=1e-3, atol=1e-4)


def test_drop_path_rises_and_works_in_train_mode_only() -> None:
    model = build(made("joint", reduced=False), drop_path=0.5)
    assert [block.drop_path.rate for block in model.backbone.blocks] == [0.0, 0.25, 0.5]
    both = crops(model.spec)
    model.eval()
    torch.testing.assert_close(model(*both).boxes, model(*both).boxes, rtol=0, atol=0)
    drop = model.backbone.blocks[2].drop_path.train()
    x = drop(torch.ones(4000, 3, 2))
    assert set(x.unique().tolist()) == {0.0, 2.0}
    assert bool((x == x[:, :1, :1]).all())
    assert abs(float(x.mean()) - 1) < 0.1
    with pytest.raises(UsageError, match="drop_path"):
        build(model.spec, drop_path=1.0)


def test_wrong_crops_are_named() -> None:
    model = build(made("joint", reduced=False))
    template, search = crops(model.spec)
    with pytest.raises(UsageError, match=r"search must have shape \(B, 3, 64, 64\) but has \(2, 3, 32, 32\)"):
        model(search, template)
    with pytest.raises(UsageError, match=r"template must have shape \(B, 3, 32, 32\) but has \(2, 3, 64, 64\)"):
        model(search, search)


@torch.no_grad()
def test_first_score_is_low() -> None:
    model = build(made("joint", reduced=False)).eval()
    assert float(model(*crops(model.spec)).score.max()) < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("name", TRACKERS.names())
@torch.no_grad()
def test_at_full_size(name: str) -> None:
    spec = describe(name)
    model = build(spec).eval()
    assert parameters(spec) == sum(p.numel() for p in model.parameters())
    template, search = crops(spec, 1)
    memory = model.encode_template(template, BOX)
    out = model.track(search, memory)
    torch.testing.assert_close(model(template, search, template_box=BOX).boxes, out.boxes)
    longest = ExecutionPath(skipped=frozenset(), exit=len(spec.exits) - 1 if spec.exits else None)
    merged = fused(model)
    assert macs(spec).per_frame == counted_macs(lambda: merged.track(search, memory, forced_path=longest))
