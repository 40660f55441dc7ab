"""What a LeViT is made of: batch norm behind every matrix, attention with a learned bias per offset, Hardswish."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from compress.models.fusing import fold_norm


class NormedLinear(nn.Module):
    """A linear layer without bias and a batch norm over batch and tokens; `gain` is the norm's first weight."""

    def __init__(self, inputs: int, outputs: int, *, gain: float = 1.0) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias=False)
        self.bn = nn.BatchNorm1d(outputs)
        nn.init.trunc_normal_(self.linear.weight, std=0.02)
        nn.init.constant_(self.bn.weight, gain)

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, inputs) → (B, N, outputs)."""
        x = self.linear(x)
        out: Tensor = self.bn(x.flatten(0, 1)).view_as(x)
        return out

    def fused(self) -> nn.Module:
        return fold_norm(self.linear, self.bn)


class OffsetBias(nn.Module):
    """A learned value per head and offset, spread over all pairs of query and key; zero at first.

    Args:
        index: (queries, keys) numbers of offsets, see `bias_indices`. It follows from the grids, so it is not saved.
    """

    index: Tensor

    def __init__(self, heads: int, index: NDArray[Any]) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(heads, int(index.max()) + 1))
        # From numpy, so that it holds values even where a network is made on the meta device.
        self.register_buffer("index", torch.from_numpy(index), persistent=False)

    def forward(self) -> Tensor:
        """(heads, queries, keys)."""
        return self.table[:, self.index]

    def fused(self) -> nn.Module:
        return FixedBias(self().detach())


class FixedBias(nn.Module):
    """A bias (heads, queries, keys) that no longer changes."""

    bias: Tensor

    def __init__(self, bias: Tensor) -> None:
        super().__init__()
        self.register_buffer("bias", bias)

    def forward(self) -> Tensor:
        return self.bias


class LevitMlp(nn.Module):
    """`dim` → `hidden` → `dim` with Hardswish; puts out zero at first, as it ends a residual branch."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = NormedLinear(dim, hidden)
        self.fc2 = NormedLinear(hidden, dim, gain=0.0)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc2(F.hardswish(self.fc1(x)))
        return out


class LevitAttention(nn.Module):
    """Attention among all tokens, values twice as wide as keys; puts out zero at first.

    The rows of the one linear layer are q, k and v of the first head, then those of the next.
    """

    def __init__(self, dim: int, heads: int, key_dim: int, index: NDArray[Any]) -> None:
        super().__init__()
        self.heads, self.widths = heads, [key_dim, key_dim, 2 * key_dim]
        self.qkv = NormedLinear(dim, heads * sum(self.widths))
        self.bias = OffsetBias(heads, index)
        self.proj = NormedLinear(heads * self.widths[2], dim, gain=0.0)

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, dim) → (B, N, dim)."""
        q, k, v = torch.split(per_head(self.qkv(x), self.heads), self.widths, dim=3)
        out: Tensor = self.proj(F.hardswish(attend(q, k, v, self.bias())))
        return out

    def packed(self) -> nn.Module:
        return SquareAttention(self)


class SquareAttention(nn.Module):
    """A fused attention with its keys filled up with zeros to the width of the values.

    For those PyTorch has one kernel on a CPU, which saves more than the zeros cost.
    """

    bias: Tensor

    def __init__(self, attention: LevitAttention) -> None:
        super().__init__()
        self.heads, (key, _, value) = attention.heads, attention.widths
        self.scale = key**-0.5
        folded = attention.qkv
        assert isinstance(folded, nn.Linear), "fuse first"
        self.qkv = nn.Linear(folded.in_features, self.heads * 3 * value)
        rows = torch.cat([torch.arange(key), value + torch.arange(key), 2 * value + torch.arange(value)])
        for name, filled in self.qkv.named_parameters():
            nn.init.zeros_(filled)
            source = folded.get_parameter(name).detach()
            filled.data.view(self.heads, 3 * value, -1)[:, rows] = source.view(self.heads, len(rows), -1)
        self.register_buffer("bias", attention.bias().detach()[None])
        self.proj = attention.proj

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, dim) → (B, N, dim)."""
        q, k, v = (part.transpose(1, 2) for part in per_head(self.qkv(x), self.heads).chunk(3, dim=3))
        found = F.scaled_dot_product_attention(q, k, v, attn_mask=self.bias, scale=self.scale)
        out: Tensor = self.proj(F.hardswish(found.transpose(1, 2).flatten(2)))
        return out


class ShrinkAttention(nn.Module):
    """Attention of every second row and column of both grids to all tokens, to another width; no residual.

    Values are four times as wide as keys.
    """

    def __init__(
        self, inputs: int, outputs: int, heads: int, key_dim: int, sides: tuple[int, int], index: NDArray[Any]
    ) -> None:
        super().__init__()
        self.heads, self.widths, self.sides = heads, [key_dim, 4 * key_dim], sides
        self.kv = NormedLinear(inputs, heads * sum(self.widths))
        self.q = NormedLinear(inputs, heads * key_dim)
        self.bias = OffsetBias(heads, index)
        self.proj = NormedLinear(heads * self.widths[1], outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, inputs) → (B, about N / 4, outputs)."""
        k, v = torch.split(per_head(self.kv(x), self.heads), self.widths, dim=3)
        q = per_head(self.q(_every_second(x, *self.sides)), self.heads)
        out: Tensor = self.proj(F.hardswish(attend(q, k, v, self.bias())))
        return out


def per_head(x: Tensor, heads: int) -> Tensor:
    """(B, N, heads · width) → (B, N, heads, width)."""
    return x.view(*x.shape[:2], heads, -1)


def attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    """q (B, Nq, heads, key), k and v (B, N, heads, ·), bias (heads, Nq, N) → (B, Nq, heads · value).

    Written out: fused attention has no fast kernel on a CPU where values are wider than keys.
    """
    q, k, v = (part.transpose(1, 2) for part in (q * q.shape[-1] ** -0.5, k, v))
    weights = (q @ k.transpose(2, 3)).add_(bias).softmax(3)
    return (weights @ v).transpose(1, 2).flatten(2)


def _every_second(x: Tensor, search: int, template: int) -> Tensor:
    """Every second row and column, from the first on, of the search grid and then of the template's."""
    grids = torch.split(x, [search * search, template * template], dim=1)
    kept = [
        grid.reshape(x.shape[0], side, side, x.shape[2])[:, ::2, ::2].flatten(1, 2)
        for grid, side in zip(grids, (search, template), strict=True)
    ]
    return torch.cat(kept, dim=1)
