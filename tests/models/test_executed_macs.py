"""What adaptive networks execute on every way through them, against `compress.core.cost`."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from compress.core import BypassSpec, ExecutionPath, ExitSpec, HeadSpec, LayerSpec, TrackerSpec
from compress.core.cost import macs, macs_cheapest, parameters
from compress.models import build
from compress.models.fusing import fused
from compress.testing.networks import counted_macs

KINDS: dict[str, tuple[Any, ...]] = {
    "joint": ("joint",) * 3,
    "asymmetric": ("asymmetric",) * 3,
    "split": ("AI",) * 3,
}


def _spec(kind: str, **fields: Any) -> TrackerSpec:
    layers = tuple(
        LayerSpec(source=i, mlp_hidden=20 + 4 * i, attention=a, attn_dims=12, mlp_dims=9)
        for i, a in enumerate(KINDS[kind])
    )
    head = HeadSpec(kind="corner", channels=16, reparam=True)
    exits = (ExitSpec(1, adapter=2), ExitSpec(2, adapter=1), ExitSpec(3))
    spec = TrackerSpec(dim=16, heads=2, layers=layers, template_size=32, search_size=64, head=head)
    return replace(spec, bypass=BypassSpec(n_enf=1), exits=exits, **fields)


SPECS = {f"{kind}-{recycling}": _spec(kind, recycling=recycling) for kind, recycling in product(KINDS, "abcd")}
SPECS |= {"joint-none": _spec("joint", recycling="none"), "no-norm": _spec("joint", final_norm=False)}
SPECS |= {"bypass": replace(_spec("split"), exits=()), "exits": replace(_spec("asymmetric"), bypass=None)}


@pytest.mark.parametrize("name", SPECS)
@torch.no_grad()
def test_every_path_costs_what_it_runs(name: str) -> None:
    """In the form made for inference; what is held is counted in the form that is trained."""
    spec = SPECS[name]
    model = build(spec).eval()
    assert parameters(spec) == sum(p.numel() for p in model.parameters())
    ready = fused(model)
    template, search = torch.randn(1, 3, 32, 32), torch.randn(1, 3, 64, 64)
    assert macs(spec).template == counted_macs(ready.encode_template, template)
    memory = ready.encode_template(template)
    found = {}
    for skipped, taken in product(((), (1,), (1, 2)) if spec.bypass else ((),), range(len(spec.exits) or 1)):
        forced_path = ExecutionPath(skipped=frozenset(skipped), exit=taken if spec.exits else None)
        cost = macs(spec, skipped=skipped, exit=forced_path.exit).per_frame
        assert cost == counted_macs(lambda path: ready.track(search, memory, forced_path=path), forced_path)
        found[skipped, taken] = cost
    assert min(found.values()) == macs_cheapest(spec).per_frame
    assert max(found.values()) == macs(spec).per_frame


def test_the_counter_counts_what_can_be_counted_by_hand() -> None:
    x = torch.randn(1, 5, 8)
    assert counted_macs(nn.Linear(8, 3), x) == 5 * 8 * 3
    assert counted_macs(nn.Conv2d(3, 4, 3, stride=2, padding=1), torch.randn(1, 3, 6, 6)) == 3 * 3 * 9 * 3 * 4
    assert counted_macs(nn.ConvTranspose2d(3, 4, 2, stride=2), torch.randn(1, 3, 6, 6)) == 6 * 6 * 4 * 3 * 4
    q, k, v = torch.randn(1, 2, 5, 4), torch.randn(1, 2, 7, 4), torch.randn(1, 2, 7, 3)
    assert counted_macs(F.scaled_dot_product_attention, q, k, v) == 2 * 5 * 7 * (4 + 3)
    unused = nn.Linear(8, 3)
    assert counted_macs(lambda: (unused(x), x)[1]) == 5 * 8 * 3
