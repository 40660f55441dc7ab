"""Variants of layers: students put together of them are the networks that surgery builds, whatever their widths."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from compress.core import ExitSpec, LayerSpec, TrackerSpec, UsageError
from compress.core.cost import parameters
from compress.models import Tracker
from compress.surgery import (
    AttentionVariant,
    MlpVariant,
    Skip,
    State,
    Variant,
    assemble,
    check_layers,
    cut_variant,
    inherit,
    layer_of,
    observe,
    own_variants,
    variants_of,
)
from compress.testing.small_trackers import ELIMINATING, LEVIT, SPEC, awake

UNEVEN = (
    LayerSpec(source=0, mlp_hidden=40, attn_dims=24),
    LayerSpec(source=1, mlp_hidden=64, mlp_dims=20),
    LayerSpec(source=3, mlp_hidden=8, attn_dims=8, mlp_dims=31),
)
"""Every layer has widths of its own."""


@pytest.fixture(scope="module")
def teacher() -> Tracker:
    return awake(SPEC)


def _crops(spec: TrackerSpec) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(2, 3, spec.template_size, spec.template_size, generator=generator), torch.randn(
        2, 3, spec.search_size, spec.search_size, generator=generator
    )


def _attending(kinds: tuple[str, ...]) -> TrackerSpec:
    layers = (replace(layer, attention=kind) for layer, kind in zip(UNEVEN, kinds, strict=True))  # type: ignore[arg-type]
    return replace(SPEC, layers=tuple(layers))


@pytest.mark.parametrize("kinds", [("joint",) * 3, ("FE", "AI", "AI")], ids=str)
def test_cut_variants_make_the_network_that_surgery_builds(teacher: Tracker, kinds: tuple[str, ...]) -> None:
    """Tensor by tensor, with layers of different widths, and so the same answers."""
    spec = _attending(kinds)
    crops = _crops(SPEC)
    observed = observe(teacher, *crops)
    student = assemble(teacher, spec, lambda variant: cut_variant(teacher, variant, observed))
    built = inherit(teacher, spec, calibration=crops)
    assert student.state_dict().keys() == built.state_dict().keys()
    assert all(torch.equal(value, built.state_dict()[name]) for name, value in student.state_dict().items())
    assert torch.equal(student(*crops).boxes, built(*crops).boxes)
    assert sum(each.numel() for each in student.parameters()) == parameters(spec)


def test_the_teachers_own_variants_are_the_teacher(teacher: Tracker) -> None:
    """Where nothing is removed nothing changes, and nothing of the teacher is shared."""
    observed = observe(teacher, *_crops(SPEC))
    for i in range(4):
        block = teacher.get_submodule(f"backbone.blocks.{i}").state_dict()
        for variant in own_variants(SPEC, i):
            cut = cut_variant(teacher, variant, observed)
            assert cut.keys() == {name for name in block if name.startswith(variant.names)}
            assert all(torch.equal(value, block[name]) for name, value in cut.items())
            assert not {each.data_ptr() for each in cut.values()} & {each.data_ptr() for each in block.values()}
    student = assemble(teacher, SPEC, lambda variant: cut_variant(teacher, variant, observed))
    assert torch.equal(student(*_crops(SPEC)).boxes, teacher(*_crops(SPEC)).boxes)


def test_what_a_variant_is_changed_in_shows_in_its_layer_alone(teacher: Tracker) -> None:
    observed = observe(teacher, *_crops(SPEC))
    changed = MlpVariant(1, 64, 20)

    def state(variant: Variant) -> State:
        found = cut_variant(teacher, variant, observed)
        return (
            {name: value + 1 for name, value in found.items() if value.is_floating_point()}
            | {name: value for name, value in found.items() if not value.is_floating_point()}
            if variant == changed
            else found
        )

    spec = _attending(("joint",) * 3)
    plain = assemble(teacher, spec, lambda variant: cut_variant(teacher, variant, observed)).state_dict()
    found = assemble(teacher, spec, state).state_dict()
    different = {name for name, value in found.items() if not torch.equal(value, plain[name])}
    assert different
    assert all(name.startswith(("backbone.blocks.1.norm2.", "backbone.blocks.1.mlp.")) for name in different)


def test_a_layer_is_its_two_variants(teacher: Tracker) -> None:
    for layer in (*UNEVEN, replace(UNEVEN[0], attention="AI")):
        assert layer_of(SPEC, *variants_of(layer)) == layer
    assert layer_of(ELIMINATING, AttentionVariant(1, "joint"), MlpVariant(1, 64)).keep == 0.6
    assert layer_of(ELIMINATING, AttentionVariant(1, "FE"), MlpVariant(1, 64)).keep is None
    assert cut_variant(teacher, Skip(0), {}) == {}


def test_layers_that_cannot_be_varied_one_by_one_are_refused() -> None:
    with pytest.raises(UsageError, match="plain vision transformers.*a levit"):
        check_layers(LEVIT)
    with pytest.raises(UsageError, match="bypass or exits"):
        check_layers(replace(SPEC, exits=(ExitSpec(4),)))
