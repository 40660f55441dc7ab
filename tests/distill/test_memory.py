"""What the layers of a student keep for the backward pass, and when they compute it again instead."""

from __future__ import annotations

from dataclasses import replace

import torch

from compress.core import TrackerSpec, describe
from compress.distill import StudentRecipe
from compress.distill.memory import activation_bytes, fitting
from compress.models import build
from compress.testing.small_trackers import SPEC

CPU = torch.device("cpu")


def _kept(spec: TrackerSpec, batch: int) -> int:
    """Bytes of the tensors that autograd saves between the layers, weights left out; each storage once."""
    model = build(spec).train()
    own = {each.untyped_storage().data_ptr() for each in model.parameters()}
    storages: dict[int, int] = {}

    def pack(values: torch.Tensor) -> torch.Tensor:
        storage = values.untyped_storage()
        if storage.data_ptr() not in own:
            storages[storage.data_ptr()] = storage.nbytes()
        kept.append(values)
        return values

    kept: list[torch.Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda values: values):
        out = model(torch.rand(batch, 3, 32, 32), torch.rand(batch, 3, 64, 64)).boxes
    assert out.requires_grad
    return sum(storages.values())


def test_the_estimate_is_of_what_autograd_keeps() -> None:
    deep = replace(SPEC, layers=tuple(replace(SPEC.layers[0], source=i) for i in range(12)))
    between = _kept(deep, 8) - _kept(SPEC, 8)
    assert 0.75 < (activation_bytes(deep, 8) - activation_bytes(SPEC, 8)) / between < 1.2


def test_only_large_students_on_a_cpu_compute_their_layers_twice() -> None:
    settings, large = StudentRecipe().trainer(10), describe("ostrack256")
    assert fitting(settings, describe("ostrack-nano"), 32, CPU) == settings
    assert fitting(settings, large, 32, torch.device("cuda")) == settings
    assert fitting(settings, large, 4, CPU) == settings
    found = fitting(settings, large, 32, CPU)
    assert found.compute.recompute == "yes"
    assert replace(found, compute=settings.compute) == settings
