"""Transformer blocks whose attention may take keys and values from outside, and may read fewer dimensions."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NORM_EPS = 1e-6

KeysValues = tuple[Tensor, Tensor]
"""Keys (B, heads left, N, dim / heads) and values (B, heads left, N, kept / heads) of one layer."""


class DropPath(nn.Module):
    """Stochastic depth per sample: a residual branch is left out at `rate`, in train mode only."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        keep = 1 - self.rate
        mask = x.new_empty((x.shape[0],) + (1,) * (x.ndim - 1)).bernoulli_(keep)
        return x * mask / keep


class Reduced(nn.Module):
    """A module that reads only the dimensions `kept` of its input (dimension reduction, ABTrack); None reads all."""

    kept: Tensor | None

    def __init__(self, kept: int | None) -> None:
        super().__init__()
        # Persistent, so that a weights file records which dimensions its matrices belong to.
        self.register_buffer("kept", None if kept is None else torch.arange(kept))

    def gather(self, x: Tensor) -> Tensor:
        """(…, D) → (…, kept), the dimensions that are read."""
        if self.kept is None:
            return x
        if not _eager_on_cpu(x):
            return x.index_select(-1, self.kept)
        # A CPU takes several times as long for more than two axes.
        return x.reshape(-1, x.shape[-1]).index_select(1, self.kept).view(*x.shape[:-1], len(self.kept))


class Mlp(Reduced):
    """`inputs` → `hidden` → `outputs` with exact GELU; `kept` of the inputs are read."""

    def __init__(self, inputs: int, hidden: int, outputs: int, *, kept: int | None = None) -> None:
        super().__init__(kept)
        self.fc1 = nn.Linear(kept or inputs, hidden)
        self.fc2 = nn.Linear(hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc2(F.gelu(self.fc1(self.gather(x))))
        return out


class Attention(Reduced):
    """Multi-head attention, of which `left` of the heads may be left.

    The fused linear's rows are q (dim), k (dim), v (`kept`, or dim), or the share of each that the heads left have.
    """

    def __init__(self, dim: int, heads: int, *, kept: int | None = None, left: int | None = None) -> None:
        super().__init__(kept)
        self.heads = left or heads
        self.keys, self.values = self.heads * (dim // heads), self.heads * ((kept or dim) // heads)
        self._filled = False
        self.qkv = nn.Linear(kept or dim, 2 * self.keys + self.values)
        self.proj = nn.Linear(self.values, dim)

    def queries_keys_values(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, N, dim) → q, k, v, each (B, heads, N, ·)."""
        q, k, v = torch.split(self.qkv(self.gather(x)), [self.keys, self.keys, self.values], dim=-1)
        return self._heads(q), self._heads(k), self._heads(v)

    def keys_values(self, x: Tensor) -> KeysValues:
        """As above without the queries, which are not computed."""
        kv = F.linear(self.gather(x), self.qkv.weight[self.keys :], self.qkv.bias[self.keys :])
        k, v = torch.split(kv, [self.keys, self.values], dim=-1)
        return self._heads(k), self._heads(v)

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """→ (B, N, dim), N that of `q`."""
        # For equal widths PyTorch has one kernel on a CPU, which saves more than zeros cost.
        if (self._filled or q.requires_grad) and _eager_on_cpu(q) and v.shape[-1] < k.shape[-1]:
            filled = F.pad(v, (0, k.shape[-1] - v.shape[-1]))
            found = F.scaled_dot_product_attention(q, k, filled)[..., : v.shape[-1]]
        else:
            found = F.scaled_dot_product_attention(q, k, v)
        out: Tensor = self.proj(found.transpose(1, 2).flatten(2))
        return out

    def packed(self) -> Attention:
        """Itself, which from now on fills up values that are narrower than the keys, as it does in training."""
        self._filled = True
        return self

    def _heads(self, x: Tensor) -> Tensor:
        batch, tokens, width = x.shape
        return x.reshape(batch, tokens, self.heads, width // self.heads).transpose(1, 2)


class Block(nn.Module):
    """Pre-norm transformer block."""

    def __init__(
        self,
        dim: int,
        heads: int,
        mlp_hidden: int,
        *,
        attn_dims: int | None = None,
        mlp_dims: int | None = None,
        heads_left: int | None = None,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=NORM_EPS)
        self.attn = Attention(dim, heads, kept=attn_dims, left=heads_left)
        self.norm2 = nn.LayerNorm(dim, eps=NORM_EPS)
        self.mlp = Mlp(dim, mlp_hidden, dim, kept=mlp_dims)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor, memory: KeysValues | None = None) -> tuple[Tensor, KeysValues]:
        """Tokens (B, N, dim) see themselves, and `memory` in front of themselves where it is given.

        Returns:
            The new tokens, and the keys and values of `x` itself.
        """
        q, k, v = self.attn.queries_keys_values(self.norm1(x))
        keys, values = (k, v) if memory is None else (torch.cat([memory[0], k], 2), torch.cat([memory[1], v], 2))
        x = x + self.drop_path(self.attn.attend(q, keys, values))
        return self._transform(x), (k, v)

    def eliminate(
        self, x: Tensor, *, token: int, candidates: int, keep: int, prior: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """As `forward`, but only `keep` of the last `candidates` tokens go on to the MLP; see `most_attended`.

        Returns:
            The tokens in front of the candidates with those kept behind them, and the places (B, keep) of the latter.
        """
        q, k, v = self.attn.queries_keys_values(self.norm1(x))
        x = x + self.drop_path(self.attn.attend(q, k, v))
        places = most_attended(q, k, token=token, candidates=candidates, keep=keep, prior=prior)
        x = torch.cat([x[:, :-candidates], take(x[:, -candidates:], places)], dim=1)
        return self._transform(x), places

    def keys_values(self, x: Tensor) -> KeysValues:
        """Keys and values this layer computes from tokens (B, N, dim), and nothing else."""
        return self.attn.keys_values(self.norm1(x))

    def _transform(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.drop_path(self.mlp(self.norm2(x)))
        return out


def _eager_on_cpu(x: Tensor) -> bool:
    """Whether what is computed is computed now, and here; a graph that is traced keeps what the network says."""
    traced = torch.jit.is_tracing()  # type: ignore[attr-defined,no-untyped-call]
    return x.device.type == "cpu" and not traced and not torch.compiler.is_compiling()


def most_attended(
    q: Tensor, k: Tensor, *, token: int, candidates: int, keep: int, prior: Tensor | None = None
) -> Tensor:
    """Which of the last `candidates` tokens the token at index `token` attends to most, over the mean of all heads.

    Args:
        q, k: (B, heads, N, dim / heads).
        token: Counted from the end, so below 0.
        prior: What the attention to each candidate is multiplied by, (B or 1, candidates).

    Returns:
        Positions among the candidates (B, keep), most attended first.
    """
    query = q[:, :, token : token + 1] * q.shape[-1] ** -0.5
    attention = (query @ k.transpose(-2, -1)).softmax(-1)
    scores = attention[:, :, 0, -candidates:].mean(1)
    places: Tensor = (scores if prior is None else scores * prior).topk(keep).indices
    return places


def take(x: Tensor, places: Tensor) -> Tensor:
    """The tokens of `x` (B, N, dim) at `places` (B, n) → (B, n, dim)."""
    return x.gather(1, places[:, :, None].expand(-1, -1, x.shape[2]))


def init_linear(module: nn.Module) -> None:
    """For `nn.Module.apply`: the ViT's first weights, and no bias."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
