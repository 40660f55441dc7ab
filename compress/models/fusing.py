"""A tracker made ready to run: everything that depends on its weights only is computed once, none of it per frame."""

from __future__ import annotations

import copy
from typing import Protocol, TypeVar, runtime_checkable

import torch
from torch import nn

from compress.models.tracker import Tracker

Foldable = nn.Linear | nn.Conv2d | nn.ConvTranspose2d
Norm = nn.BatchNorm1d | nn.BatchNorm2d

T = TypeVar("T", bound=Tracker)


@runtime_checkable
class Fusible(Protocol):
    """A module that knows a cheaper one which computes the same in eval mode."""

    def fused(self) -> nn.Module:
        """The cheaper module; it shares no memory with this one, which stays as it is."""
        ...


def fused(model: T) -> T:
    """A copy of a tracker for inference: in eval mode, without gradients, of the same spec and outputs (to rounding).

    Batch norms are folded into what is in front of them, in any `nn.Sequential`; every `Fusible` module is replaced by
    what it fuses to. State dicts of the copy have other keys, so save those of the original.
    """
    ready = copy.deepcopy(model)
    _fuse_children(ready)
    return ready.eval().requires_grad_(False)


def _fuse_children(module: nn.Module) -> None:
    for name, child in module.named_children():
        setattr(module, name, _fused(child))


def _fused(module: nn.Module) -> nn.Module:
    if isinstance(module, Fusible):
        module = module.fused()
    _fuse_children(module)
    return _without_norms(module) if type(module) is nn.Sequential else module


def _without_norms(sequence: nn.Sequential) -> nn.Sequential:
    kept: list[nn.Module] = []
    for module in sequence:
        if kept and isinstance(kept[-1], Foldable) and isinstance(module, Norm):
            kept[-1] = fold_norm(kept[-1], module)
        else:
            kept.append(module)
    return nn.Sequential(*kept)


@torch.no_grad()
def fold_norm(layer: Foldable, norm: Norm) -> Foldable:
    """A layer that computes what `layer` and then `norm` compute in eval mode; both stay as they are.

    Raises:
        ValueError: a grouped transposed convolution, whose outputs do not lie along one axis of its weight.
    """
    if isinstance(layer, nn.ConvTranspose2d) and layer.groups > 1:
        raise ValueError(f"A transposed convolution of {layer.groups} groups cannot take in the batch norm behind it.")
    assert norm.running_mean is not None
    assert norm.running_var is not None
    # In double precision, so that one rounding is all that is left of the difference.
    scale = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    shift = norm.bias.double() - norm.running_mean.double() * scale
    if layer.bias is not None:
        shift = shift + layer.bias.double() * scale
    outputs = 1 if isinstance(layer, nn.ConvTranspose2d) else 0
    along = scale.view([-1 if axis == outputs else 1 for axis in range(layer.weight.ndim)])
    folded = copy.deepcopy(layer)
    folded.weight = nn.Parameter((layer.weight.double() * along).to(layer.weight.dtype))
    folded.bias = nn.Parameter(shift.to(layer.weight.dtype))
    return folded
