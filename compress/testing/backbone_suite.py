"""What every backbone must keep to, whether it comes with the package or from outside: tests to subclass.

class TestMine(BackboneSuite):
    @pytest.fixture
    def spec(self) -> TrackerSpec:
        return TrackerSpec(backbone="mine", ...)  # small, with at least two layers
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from compress.core import LayerSpec, TrackerSpec
from compress.core.cost import components, macs, parameters
from compress.driver.backbones import missing_tables
from compress.export import bundle_graphs
from compress.latency import BlockCost
from compress.latency.estimated.work import frame_work
from compress.measure import Coverage
from compress.measure.stacks.table import Depths, stacks_of, validation_set
from compress.models import NumpyNetwork, Tracker, fused
from compress.prior import retention
from compress.runtime import GraphNetwork
from compress.spaces import load_space
from compress.surgery import inherit
from compress.testing.networks import counted_macs, crops, scattered


def shortened(spec: TrackerSpec) -> TrackerSpec:
    """A student without the first layer whose group has another one, and with half of the hidden units."""
    ends = spec.group_ends
    gone = next(i for i in range(len(spec.layers)) if i not in ends)
    layers = [replace(layer, source=i) for i, layer in enumerate(spec.layers) if i != gone]
    return replace(spec, layers=tuple(replace(layer, mlp_hidden=layer.mlp_hidden // 2) for layer in layers))


class BackboneSuite:
    """Inherit it in a test module and give one fixture, the `spec` of one small tracker of the backbone.

    class TestMine(BackboneSuite):
        @pytest.fixture
        def spec(self) -> TrackerSpec:
            return ...
    """

    @pytest.fixture
    def model(self, spec: TrackerSpec) -> Tracker:
        """The tracker in eval mode, its weights away from their start."""
        torch.manual_seed(0)
        return scattered(spec)

    def test_every_table_holds_it(self, spec: TrackerSpec) -> None:
        assert missing_tables(spec.backbone) == []

    def test_the_spec_survives_json(self, spec: TrackerSpec) -> None:
        assert TrackerSpec.from_dict(spec.to_dict()) == spec

    @torch.no_grad()
    def test_costs_what_the_network_holds_and_runs(self, spec: TrackerSpec, model: Tracker) -> None:
        assert parameters(spec) == sum(p.numel() for p in model.parameters())
        template, search = crops(spec, 1)
        ready = fused(model)
        memory = ready.encode_template(template)
        assert macs(spec).template == counted_macs(ready.encode_template, template)
        assert macs(spec).per_frame == counted_macs(ready.track, search, memory)

    def test_every_layer_is_a_component(self, spec: TrackerSpec) -> None:
        names = [part.name for part in components(spec)]
        assert [name for name in names if name.startswith("layers.")] == [
            f"layers.{i}" for i in range(len(spec.layers))
        ]

    @torch.no_grad()
    def test_layers_put_out_the_shapes_of_the_spec(self, spec: TrackerSpec, model: Tracker) -> None:
        out = model(*crops(spec), collect=True)
        assert out.layers is not None
        shapes = [spec.layer_shape(i) for i in range(len(spec.layers))]
        assert [tuple(layer.shape) for layer in out.layers] == [(2, *shape) for shape in shapes]
        assert {name: tuple(value.shape[1:]) for name, value in out.maps.items()} == spec.maps
        assert len(spec.group_ends) == len(dict.fromkeys(shapes))

    @torch.no_grad()
    def test_a_teacher_inherits_from_itself(self, spec: TrackerSpec, model: Tracker) -> None:
        same = inherit(model, replace(spec, layers=_own(spec)))
        inputs = crops(spec)
        torch.testing.assert_close(same(*inputs).boxes, model(*inputs).boxes, rtol=0, atol=0)

    @torch.no_grad()
    def test_a_shorter_student_inherits(self, spec: TrackerSpec, model: Tracker) -> None:
        student = inherit(model, shortened(spec), calibration=crops(spec))
        assert parameters(student.spec) == sum(p.numel() for p in student.parameters()) < parameters(spec)
        assert bool(student(*crops(spec)).boxes.isfinite().all())

    def test_students_of_every_knob_can_inherit(self, spec: TrackerSpec, model: Tracker) -> None:
        """Of the space that holds all knobs: the first and the last choice of each."""
        space = load_space("full")
        for end in (0, -1):
            student = space.spec(spec, lambda _, choices, end=end: choices[end])  # type: ignore[misc]
            assert student.backbone == spec.backbone
            assert inherit(model, student).spec == student

    def test_estimates_count_its_launches(self, spec: TrackerSpec) -> None:
        for runtime in ("onnxruntime", "pytorch"):
            whole, short = (frame_work(each, runtime) for each in (spec, shortened(spec)))
            assert whole.launches > short.launches > 0
            assert whole.gmacs == pytest.approx(macs(spec).per_frame / 1e9)

    def test_the_prior_knows_a_student(self, spec: TrackerSpec) -> None:
        kept = retention(spec, shortened(spec))
        assert 0 < kept.low < kept.mean <= kept.high

    def test_stacks_give_back_the_cost_of_layers(self, spec: TrackerSpec) -> None:
        """With one millisecond a multiply-accumulate, the components read off the stacks add up to the whole."""
        coverage = Coverage.of(spec)
        stacks = stacks_of(spec, coverage, Depths(shallow=2, deep=6))
        found = stacks.components(lambda each: float(macs(each).per_frame))
        assert {block.attention for block in found.blocks} == set(coverage.attentions)
        rest = next(each.ms for each in found.overhead if each.attention == spec.attention)
        layers = sum(_block_ms(found.blocks, layer) for layer in spec.layers)
        assert rest + layers == pytest.approx(macs(spec).per_frame, rel=0.02)

    def test_the_validation_set_is_within_the_coverage(self, spec: TrackerSpec) -> None:
        coverage = Coverage.of(spec)
        found = validation_set(spec, coverage)
        assert len(set(found.values())) >= 3
        assert all(Coverage.of(spec, [each]).within(coverage) for each in found.values())

    @torch.no_grad()
    def test_exported_graphs_agree_with_the_network(self, spec: TrackerSpec, model: Tracker) -> None:
        template, search = (crop.numpy() for crop in crops(spec, 1))
        network, exported = NumpyNetwork(model), GraphNetwork(spec, bundle_graphs(model))
        wanted = network.track(search, network.encode_template(template))
        found = exported.track(search, exported.encode_template(template))
        for name, value in wanted.maps.items():
            np.testing.assert_allclose(found.maps[name], value, rtol=1e-3, atol=1e-4)


def _own(spec: TrackerSpec) -> tuple[LayerSpec, ...]:
    return tuple(replace(layer, source=i) for i, layer in enumerate(spec.layers))


def _block_ms(blocks: Sequence[BlockCost], layer: LayerSpec) -> float:
    """A layer's cost, between the two widths that were measured of its kind."""
    kind = (layer.attention, layer.stage, None, None)
    mine = sorted((b.mlp_hidden, b.ms) for b in blocks if (b.attention, b.stage, b.attn_dims, b.mlp_dims) == kind)
    return float(np.interp(layer.mlp_hidden, [hidden for hidden, _ in mine], [ms for _, ms in mine]))
