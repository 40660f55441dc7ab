"""Slices of one network are the students that would be cut out of it, whatever the space."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.func import functional_call

from compress.core import TrackerSpec, UsageError, describe
from compress.models import build
from compress.spaces import load_space
from compress.surgery import Elastic, elastic_network, inherit
from compress.testing.small_specs import small
from compress.testing.small_trackers import LEVIT, SPEC, awake

_STUDENTS = 3
NAMES = (
    "ostrack256", "ostrack256-ce", "litetrack-b4", "mixformerv2-b", "mixformerv2-s", "mixvit-b", "abtrack-deit",
    "dytrack", "hit-tiny",
)  # fmt: skip


def _crops(spec: TrackerSpec) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return tuple(torch.randn(2, 3, size, size, generator=generator) for size in (spec.template_size, spec.search_size))  # type: ignore[return-value]


def _trained(elastic: Elastic) -> Elastic:
    """As if it had been trained: all weights changed, so that units would be ranked anew by them."""
    torch.manual_seed(5)
    for parameter in elastic.model.parameters():
        parameter.data.add_(0.1 * torch.randn_like(parameter))
    return elastic


def _functional(elastic: Elastic, spec: TrackerSpec) -> dict[str, Tensor]:
    with torch.device("meta"):
        student = build(spec).eval()
    out = functional_call(student, elastic.tensors(spec), _crops(spec))  # type: ignore[arg-type]
    return {**out.maps, "boxes": out.boxes}


@pytest.mark.parametrize("name", NAMES)
def test_a_slice_is_the_student_that_is_cut_out(name: str) -> None:
    """Of every family, with all that its students may have: the same tensors, and the same answers bit for bit."""
    spec = small(describe(name))
    torch.manual_seed(0)
    space, rng = load_space("full"), random.Random(2)
    elastic = _trained(elastic_network(build(spec).eval(), space, _crops(spec)))
    for wanted in (space.sample(spec, rng) for _ in range(_STUDENTS)):
        cut = elastic.slice(wanted)
        found = elastic.tensors(wanted)
        assert {k: v.shape for k, v in found.items()} == {k: v.shape for k, v in cut.state_dict().items()}
        assert all(torch.equal(found[k], v) for k, v in cut.state_dict().items())
        answers, out = _functional(elastic, wanted), cut(*_crops(wanted))
        for name_, value in {**out.maps, "boxes": out.boxes}.items():
            torch.testing.assert_close(answers[name_], value, rtol=0, atol=1e-6)


@pytest.mark.parametrize("attention", ["joint", "asymmetric", "split"])
def test_every_attention(attention: str) -> None:
    layers = [replace(layer, attn_dims=24, mlp_dims=20, mlp_hidden=40) for layer in SPEC.layers]
    kinds = {"joint": ["joint"] * 4, "asymmetric": ["asymmetric"] * 4, "split": ["FE", "FE", "AI", "AI"]}[attention]
    spec = replace(SPEC, layers=tuple(replace(x, attention=k) for x, k in zip(layers, kinds, strict=True)))  # type: ignore[arg-type]
    elastic = _trained(elastic_network(awake(SPEC), load_space("ostrack"), _crops(SPEC)))
    out = elastic.slice(spec)(*_crops(spec))
    for name, value in _functional(elastic, spec).items():
        torch.testing.assert_close(value, {**out.maps, "boxes": out.boxes}[name], rtol=0, atol=1e-6)


@pytest.mark.parametrize("teacher", [SPEC, LEVIT], ids=["vit", "levit"])
def test_before_training_a_slice_is_the_teachers_own_student(teacher: TrackerSpec) -> None:
    model = awake(teacher)
    elastic = elastic_network(model, load_space("ostrack"), _crops(teacher))
    thin = replace(teacher, layers=tuple(replace(x, mlp_hidden=20) for x in teacher.layers[::2]))
    student = inherit(model, thin, calibration=_crops(teacher))
    for name, value in elastic.slice(thin).state_dict().items():
        torch.testing.assert_close(value, student.state_dict()[name])


def _kept_rows(elastic: Elastic, hidden: int, dims: int) -> tuple[set[float], set[int]]:
    """Hidden units by their biases, and dimensions by their indices, that a slice's first layer keeps."""
    layer = replace(SPEC.layers[0], mlp_hidden=hidden, attn_dims=dims)
    slice = elastic.slice(replace(SPEC, layers=(layer, *SPEC.layers[1:])))
    block = slice.get_submodule("backbone.blocks.0")
    return set(block.mlp.fc1.bias.tolist()), set(block.attn.kept.tolist())  # type: ignore[union-attr]


def test_slices_are_nested_and_stay_so() -> None:
    """Whatever training does to the weights."""
    elastic = elastic_network(awake(SPEC), load_space("ostrack"), _crops(SPEC))
    elastic.model.get_parameter("backbone.blocks.0.mlp.fc1.bias").data = torch.arange(64.0)
    before = [_kept_rows(elastic, hidden, dims) for hidden, dims in ((10, 8), (20, 16), (40, 24))]
    for thinner, wider in zip(before, before[1:], strict=False):
        assert thinner[0] < wider[0]
        assert thinner[1] < wider[1]
    for name in ("mlp.fc1.weight", "mlp.fc2.weight", "attn.qkv.weight", "attn.proj.weight"):
        parameter = elastic.model.get_parameter(f"backbone.blocks.0.{name}")
        parameter.data = torch.randn_like(parameter)
    assert [_kept_rows(elastic, hidden, dims) for hidden, dims in ((10, 8), (20, 16), (40, 24))] == before


def test_gradients_reach_what_the_slice_keeps_and_nothing_else() -> None:
    elastic = elastic_network(awake(SPEC), load_space("ostrack"), _crops(SPEC))
    layers = tuple(replace(layer, mlp_hidden=16) for layer in (SPEC.layers[0], SPEC.layers[3]))
    torch.stack([each.sum() for each in _functional(elastic, replace(SPEC, layers=layers)).values()]).sum().backward()
    gradients = {name: each.grad for name, each in elastic.model.named_parameters()}
    assert gradients["backbone.blocks.1.mlp.fc1.weight"] is None
    first = gradients["backbone.blocks.0.mlp.fc1.weight"]
    assert first is not None
    assert int((first.abs().sum(1) > 0).sum()) == 16


def test_what_is_no_slice_is_refused() -> None:
    elastic = elastic_network(awake(SPEC), load_space("ostrack"), _crops(SPEC))
    wide = replace(SPEC, layers=(replace(SPEC.layers[0], mlp_hidden=65), *SPEC.layers[1:]))
    with pytest.raises(UsageError, match="cannot inherit"):
        elastic.tensors(wide)


def test_leading_units() -> None:
    elastic = elastic_network(awake(SPEC), load_space("ostrack"), _crops(SPEC), mlp_rank="leading")
    thin = replace(SPEC, layers=tuple(replace(layer, mlp_hidden=16) for layer in SPEC.layers))
    name = "backbone.blocks.2.mlp.fc1.weight"
    assert torch.equal(elastic.tensors(thin)[name], elastic.model.get_parameter(name)[:16])
