"""A tracker made ready to run: everything that depends on its weights only is computed once, none of it per frame."""

from __future__ import annotations

import copy
from typing import Protocol, TypeVar, runtime_checkable

from torch import nn

from compress.models.folding import Foldable, Norm, fold_norm
from compress.models.tracker import Tracker

T = TypeVar("T", bound=Tracker)


@runtime_checkable
class Fusible(Protocol):
    """A module that knows a cheaper one which computes the same in eval mode."""

    def fused(self) -> nn.Module:
        """The cheaper module; it shares no memory with this one, which stays as it is."""
        ...


def fused(model: T) -> T:
    """A copy of a tracker for inference: in eval mode, without gradients, of the same spec and outputs (to rounding).

    Batch norms are folded into what is in front of them, in any `nn.Sequential`; every `Fusible` module gives way to
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
