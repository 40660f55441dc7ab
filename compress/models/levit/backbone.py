"""The LeViT under HiT: a convolutional stem, three stages of shrinking resolution, positions in the attention only."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from compress.core import StageSpec, TrackerSpec
from compress.models.blocks import DropPath
from compress.models.fusing import fold_norm
from compress.models.levit.dual_position import bias_indices, halved
from compress.models.levit.layers import LevitAttention, LevitMlp, ShrinkAttention

Sides = tuple[int, int]
"""Sides of the search grid and of the template's, in tokens."""


class LevitOutput(NamedTuple):
    """All tokens, search before template, after every layer and at the end of every stage, each (B, N, width)."""

    layers: list[Tensor]
    stages: list[Tensor]


class NormedConv(nn.Module):
    """A 3×3 convolution of stride 2 without bias, and a batch norm; named as in `NormedLinear`."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.bn(self.linear(x))
        return out

    def fused(self) -> nn.Module:
        # Tokens are channels last: with weights alike nothing is transposed, and large crops go faster on a CPU.
        return fold_norm(self.linear, self.bn).to(memory_format=torch.channels_last)


class LevitBlock(nn.Module):
    """One layer: attention and an MLP, each with a residual."""

    def __init__(self, stage: StageSpec, mlp_hidden: int, sides: Sides, *, drop_path: float = 0.0) -> None:
        super().__init__()
        self.attn = LevitAttention(stage.dim, stage.heads, stage.key_dim, bias_indices(*sides))
        self.mlp = LevitMlp(stage.dim, mlp_hidden)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.drop_path(self.attn(x))
        return x + self.drop_path(self.mlp(x))


class Shrink(nn.Module):
    """The start of a stage: shrink attention, and an MLP with a residual. `sides` are those before it."""

    def __init__(self, inputs: int, stage: StageSpec, sides: Sides, *, drop_path: float = 0.0) -> None:
        super().__init__()
        index = bias_indices(*sides, shrink=True)
        self.attn = ShrinkAttention(inputs, stage.dim, stage.shrink_heads, stage.key_dim, sides, index)
        self.mlp = LevitMlp(stage.dim, stage.shrink_hidden)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        x = self.attn(x)
        return x + self.drop_path(self.mlp(x))


class Levit(nn.Module):
    """Stem and stages. Any number of layers, even none, may be left in a stage.

    Args:
        drop_path: Stochastic depth, the same for every residual branch (LeViT).
        sides: Grids of other crops than the spec's; a template side of 0 does without a template.
    """

    def __init__(self, spec: TrackerSpec, *, drop_path: float = 0.0, sides: Sides | None = None) -> None:
        super().__init__()
        grids = [sides or (spec.search_size // spec.patch, spec.template_size // spec.patch)]
        for _ in spec.stages[1:]:
            grids.append((halved(grids[-1][0]), halved(grids[-1][1])))
        self.stage_of = [layer.stage for layer in spec.layers]
        self.stem = _stem(spec.dim)
        self.shrinks = nn.ModuleList(
            Shrink(before.dim, stage, grid, drop_path=drop_path)
            for before, stage, grid in zip(spec.stages, spec.stages[1:], grids, strict=False)
        )
        self.blocks = nn.ModuleList(
            LevitBlock(spec.stages[layer.stage], layer.mlp_hidden, grids[layer.stage], drop_path=drop_path)
            for layer in spec.layers
        )

    def embed(self, image: Tensor) -> Tensor:
        """(B, 3, S, S) → (B, (S / 16)², width of the first stage), row by row."""
        tokens: Tensor = self.stem(image).flatten(2).transpose(1, 2)
        return tokens

    def forward(self, tokens: Tensor) -> LevitOutput:
        """Search tokens, then template tokens, both from `embed`."""
        out = LevitOutput([], [])
        for stage in range(len(self.shrinks) + 1):
            if stage:
                tokens = self.shrinks[stage - 1](tokens)
            for block, belongs in zip(self.blocks, self.stage_of, strict=True):
                if belongs == stage:
                    tokens = block(tokens)
                    out.layers.append(tokens)
            out.stages.append(tokens)
        return out


def _stem(dim: int) -> nn.Sequential:
    """Four convolutions with an eighth, a quarter, half and all of the channels, Hardswish between them."""
    widths = [3, dim // 8, dim // 4, dim // 2, dim]
    steps: list[nn.Module] = []
    for inputs, outputs in zip(widths, widths[1:], strict=False):
        steps += [NormedConv(inputs, outputs), nn.Hardswish(inplace=True)]
    return nn.Sequential(*steps[:-1])
