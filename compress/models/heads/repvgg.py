"""RepVGG blocks: three branches while they are trained, one convolution afterwards (RepVGG, §3; DyTrack, §III-A)."""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class RepVgg(nn.Module):
    """ReLU of the sum of a 3×3 convolution, a 1×1 convolution and, where the width stays, the input, each normalised.

    (B, `inputs`, H, W) → (B, `outputs`, H, W). `fused` gives the same function as one convolution and a ReLU.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.wide = _normalised(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False))
        self.point = _normalised(nn.Conv2d(inputs, outputs, 1, bias=False))
        self.identity = nn.BatchNorm2d(inputs) if inputs == outputs else None

    def forward(self, x: Tensor) -> Tensor:
        out = self.wide(x) + self.point(x)
        return F.relu(out if self.identity is None else out + self.identity(x))

    @torch.no_grad()
    def fused(self) -> nn.Module:
        """What this block does in eval mode, as one 3×3 convolution and a ReLU, sharing no memory with it."""
        weight, bias = _folded(*_parts(self.wide))
        kernel, norm = _parts(self.point)
        branches = [(F.pad(kernel, (1, 1, 1, 1)), norm)]
        if self.identity is not None:
            branches.append((_untouched(weight), self.identity))
        for kernel, norm in branches:
            more, shift = _folded(kernel, norm)
            weight, bias = weight + more, bias + shift
        outputs, inputs = weight.shape[:2]
        conv = nn.Conv2d(inputs, outputs, 3, padding=1).to(weight)
        conv.weight.copy_(weight)
        conv.bias.copy_(bias)  # type: ignore[union-attr]
        return nn.Sequential(conv, nn.ReLU(inplace=True)).train(self.training)


def _normalised(conv: nn.Conv2d) -> nn.Sequential:
    return nn.Sequential(conv, nn.BatchNorm2d(conv.out_channels))


def _parts(branch: nn.Sequential) -> tuple[Tensor, nn.BatchNorm2d]:
    return cast(nn.Conv2d, branch[0]).weight, cast(nn.BatchNorm2d, branch[1])


def _untouched(like: Tensor) -> Tensor:
    """The 3×3 kernel that hands its input on."""
    kernel = torch.zeros_like(like)
    channels = torch.arange(len(like))
    kernel[channels, channels, 1, 1] = 1
    return kernel


def _folded(kernel: Tensor, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Kernel and bias of a convolution without bias and the batch norm behind it, as running statistics have it."""
    mean, variance = cast(Tensor, norm.running_mean), cast(Tensor, norm.running_var)
    gain = norm.weight / (variance + norm.eps).sqrt()
    return kernel * gain[:, None, None, None], norm.bias - mean * gain
