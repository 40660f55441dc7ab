"""Batch norms folded into what is in front of them: in eval mode they are affine, so the function stays the same."""

from __future__ import annotations

import copy

import torch
from torch import nn

Foldable = nn.Linear | nn.Conv2d | nn.ConvTranspose2d
Norm = nn.BatchNorm1d | nn.BatchNorm2d


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
