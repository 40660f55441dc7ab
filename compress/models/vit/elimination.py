"""OSTrack's early candidate elimination: search tokens that the target hardly attends to leave the network."""

from __future__ import annotations

import torch
from torch import Tensor

from compress.core import TrackerSpec


def centre_token(spec: TrackerSpec) -> int:
    """Index among the template's patches of the one that stands for the target: 27 of 8 × 8, 65 of 12 × 12."""
    side = spec.template_size // spec.patch
    return (side - 1) // 2 * (side + 1)


def most_attended(q: Tensor, k: Tensor, *, token: int, candidates: int, keep: int) -> Tensor:
    """Which of the last `candidates` tokens the token at index `token` attends to most, over the mean of all heads.

    Args:
        q, k: (B, heads, N, dim / heads).
        token: Counted from the end, so below 0.

    Returns:
        Positions among the candidates (B, keep), most attended first.
    """
    query = q[:, :, token : token + 1] * q.shape[-1] ** -0.5
    attention = (query @ k.transpose(-2, -1)).softmax(-1)
    places: Tensor = attention[:, :, 0, -candidates:].mean(1).topk(keep).indices
    return places


def take(x: Tensor, places: Tensor) -> Tensor:
    """The tokens of `x` (B, N, dim) at `places` (B, n) → (B, n, dim)."""
    return x.gather(1, places[:, :, None].expand(-1, -1, x.shape[2]))


def put_back(x: Tensor, places: Tensor | None, tokens: int) -> Tensor:
    """Tokens (B, n, dim) at their `places` (B, n) among `tokens`, zeros elsewhere; None has all in place already."""
    if places is None:
        return x
    everything = torch.zeros(x.shape[0], tokens, x.shape[2], dtype=x.dtype, device=x.device)
    return everything.scatter(1, places[:, :, None].expand(-1, -1, x.shape[2]), x)
