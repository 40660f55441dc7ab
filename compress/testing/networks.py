"""Every registered tracker made small, and trackers that no name stands for, with networks away from their start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from compress.core import TRACKERS, BypassSpec, ExitSpec, HeadSpec, LayerSpec, TrackerSpec, describe
from compress.models import Tracker, build
from compress.testing.small_specs import small

BOX = torch.tensor([[0.2, 0.3, 0.8, 0.7]])
KINDS: dict[str, tuple[Any, ...]] = {
    "joint": ("joint",) * 3,
    "asymmetric": ("asymmetric",) * 3,
    "FE-AI": ("FE", "FE", "AI"),
    "AI": ("AI",) * 3,
}


def made(kind: str, *, reduced: bool, token: bool = False) -> TrackerSpec:
    """Three layers of one attention, with or without dimension reduction and a target token."""
    dims = {"attn_dims": 18, "mlp_dims": 13} if reduced else {}
    layers = tuple(LayerSpec(source=i, mlp_hidden=40, attention=a, **dims) for i, a in enumerate(KINDS[kind]))
    head = HeadSpec(channels=8)
    spec = TrackerSpec(dim=24, heads=3, layers=layers, template_size=32, search_size=64, head=head)
    return replace(spec, target_token=token)


def _eliminating(spec: TrackerSpec) -> TrackerSpec:
    """The first layer keeps four tenths of its candidates and the last three fifths of those: 16, 7, 7, 5."""
    keeps = (0.4, None, 0.6)
    return replace(spec, layers=tuple(replace(x, keep=keep) for x, keep in zip(spec.layers, keeps, strict=True)))


def _pruned(spec: TrackerSpec) -> TrackerSpec:
    """Two heads left in the first layer, one in the last, all in between."""
    left = (2, None, 1)
    return replace(spec, layers=tuple(replace(x, heads=h) for x, h in zip(spec.layers, left, strict=True)))


def _adaptive(spec: TrackerSpec) -> TrackerSpec:
    """Bypass and exits together; where the first layers do not see the template, at the last one only."""
    early = () if spec.count("FE") else (ExitSpec(1, adapter=1), ExitSpec(2))
    return replace(spec, bypass=BypassSpec(n_enf=1), exits=(*early, ExitSpec(3)))


SPECS = {name: small(describe(name)) for name in TRACKERS.names()}
SPECS |= {f"{kind}{'-reduced' * reduced}": made(kind, reduced=reduced) for kind in KINDS for reduced in (False, True)}
SPECS |= {f"{kind}-token": made(kind, reduced=True, token=True) for kind in KINDS}
SPECS |= {f"eliminating-{end}": _eliminating(SPECS[f"joint-{end}"]) for end in ("reduced", "token")}
SPECS |= {"eliminating-motion": replace(SPECS["eliminating-token"], keep_by="motion")}
SPECS |= {
    f"small-template-{name}": replace(SPECS[name], template_size=64, keep_template=0.25)
    for name in ("asymmetric", "FE-AI-token", "eliminating-motion")
}
SPECS |= {
    f"{kind}{'-reduced' * reduced}-heads": _pruned(made(kind, reduced=reduced))
    for kind, reduced in (("joint", True), ("asymmetric", False), ("FE-AI", True), ("AI", False))
}
SPECS |= {"eliminating-heads": _pruned(SPECS["eliminating-reduced"])}
SPECS |= {
    "two-online": replace(SPECS["joint"], online_templates=2),
    "online-split": replace(SPECS["FE-AI"], online_templates=1),
}
SPECS |= {"tokens-split": replace(SPECS["FE-AI"], head=HeadSpec(kind="tokens", bins=9, score=True))}
SPECS |= {f"{kind}-adaptive": _adaptive(SPECS[f"{kind}-reduced"]) for kind in KINDS}


def scattered(spec: TrackerSpec) -> Tracker:
    """A network in eval mode away from its start, so that nothing is near zero or one by luck."""
    model = build(spec).eval()
    for parameter in model.parameters():
        parameter.data.add_(torch.randn_like(parameter) * 0.2)
    for name, buffer in model.named_buffers():
        if name.endswith("kept"):
            buffer.copy_(torch.randperm(spec.dim)[: len(buffer)].sort().values)
        elif name.endswith(("running_mean", "running_var")):
            buffer.add_(torch.rand_like(buffer) * 0.2)
    return model


def crops(spec: TrackerSpec, batch: int = 2) -> tuple[Tensor, Tensor]:
    """Random normalised crops: template and search."""
    sizes = spec.template_size, spec.search_size
    template, search = (torch.randn(batch, 3, size, size) for size in sizes)
    return template, search


class Whole(nn.Module):
    """Template and search in, all maps out, flat: (B, ·)."""

    def __init__(self, model: Tracker) -> None:
        super().__init__()
        self.model = model

    def forward(self, template: Tensor, search: Tensor, box: Tensor) -> Tensor:
        memory = self.model.encode_template(template, box)
        return torch.cat([value.flatten(1) for value in self.model.track(search, memory).maps.values()], 1)


@torch.no_grad()
def counted_macs(run: Callable[..., Any], *inputs: Any) -> int:
    """Multiply-accumulates of `run(*inputs)`: matrix products and convolutions, each as it is executed.

    Nothing is traced, so work whose result goes nowhere counts too. Attention runs as two plain products, because
    fused kernels hide theirs. Networks must be in eval mode and their inputs of batch 1.
    """
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        run(*inputs)
    return int(counter.get_total_flops()) // 2
