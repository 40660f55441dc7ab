"""Weights laid out once for the CPU's kernels, instead of in every call."""

from __future__ import annotations

from typing import Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

T = TypeVar("T", bound=nn.Module)

_LAYOUTS = 4
"""Numbers of rows that a layer keeps a layout for: template, search, both, and one more."""


@runtime_checkable
class Packable(Protocol):
    """A module that, once fused, knows another that computes the same faster in PyTorch on a CPU."""

    def packed(self) -> nn.Module:
        """The other module; it may share memory with this one."""
        ...


def packed(model: T) -> T:
    """Lay out the weights of a `fused` model, in place, for inference on the CPU; outputs stay, to rounding.

    Convolutions get channels last, as tokens have them; transposed ones that overlap nowhere become linear; linear
    layers are replaced by `PackedLinear` where PyTorch was built with oneMKL. State dicts have other keys afterwards.
    """
    for name, child in model.named_children():
        setattr(model, name, packed(_other(child)))
    return model


def _other(module: nn.Module) -> nn.Module:
    if isinstance(module, Packable):
        module = module.packed()
    if isinstance(module, nn.Conv2d):
        module.weight.data = module.weight.data.contiguous(memory_format=torch.channels_last)
    if isinstance(module, nn.ConvTranspose2d) and _apart(module):
        return LinearRise(module)
    if type(module) is nn.Linear and torch._C.has_mkl:
        return PackedLinear(module)
    return module


class PackedLinear(nn.Linear):
    """Computes what a linear layer does, to rounding; as one itself where rows are not float32 on the CPU."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__(layer.in_features, layer.out_features, layer.bias is not None, device="meta")
        self.weight, self.bias = layer.weight, layer.bias
        self._layouts: dict[int, Tensor] = {}

    def forward(self, x: Tensor) -> Tensor:
        if torch.is_grad_enabled() or x.device.type != "cpu" or x.dtype != torch.float32:
            return F.linear(x, self.weight, self.bias)
        rows = x.numel() // self.in_features
        layout = self._layouts.get(rows)
        if layout is None:
            if len(self._layouts) == _LAYOUTS:
                return F.linear(x, self.weight, self.bias)
            layout = self._layouts[rows] = torch.ops.mkl._mkl_reorder_linear_weight(self.weight, rows)
        found: Tensor = torch.ops.mkl._mkl_linear(x, layout, self.weight, self.bias, rows)
        return found


class LinearRise(nn.Module):
    """A transposed convolution whose stride is its kernel's side, as one linear layer per cell."""

    def __init__(self, convolution: nn.ConvTranspose2d) -> None:
        super().__init__()
        inputs, outputs, self.side, _ = convolution.weight.shape
        self.linear = nn.Linear(inputs, outputs * self.side**2, convolution.bias is not None)
        self.linear.weight.data = convolution.weight.data.flatten(1).T.contiguous()
        if convolution.bias is not None:
            self.linear.bias.data = convolution.bias.data.repeat_interleave(self.side**2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, n, n) → (B, outputs, side · n, side · n)."""
        cells: Tensor = self.linear(x.permute(0, 2, 3, 1))
        return F.pixel_shuffle(cells.permute(0, 3, 1, 2), self.side)


def _apart(convolution: nn.ConvTranspose2d) -> bool:
    """Whether every output cell comes of one input cell, and there is nothing around them."""
    height, width = convolution.kernel_size
    plain = convolution.padding == (0, 0) == convolution.output_padding and convolution.dilation == (1, 1)
    return height == width and convolution.stride == (height, width) and plain and convolution.groups == 1
