"""Halves of a layer, attention and MLP, on the tokens of template and frame together, whatever these may see."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from compress.core import TrackerSpec
from compress.models.blocks import NORM_EPS, Attention, KeysValues, Mlp
from compress.surgery import AttentionVariant, MlpVariant, State


def templates_of(spec: TrackerSpec) -> int:
    """Tokens of the templates in front of those of a frame, where no box of the template is given."""
    return spec.memory_patches


class AttentionHalf(nn.Module):
    """Attention with its norm and its residual; tensors have the names that a block gives them.

    Attributes:
        last: The linear layer that it ends with.
    """

    def __init__(self, spec: TrackerSpec, variant: AttentionVariant) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(spec.dim, eps=NORM_EPS)
        self.attn = Attention(spec.dim, spec.heads, kept=variant.dims, left=variant.heads)
        self.last = "attn.proj"
        self._kind, self._templates = variant.attention, templates_of(spec)

    def forward(self, x: Tensor, finished: Tensor) -> Tensor:
        """(B, N, dim) → (B, N, dim).

        Args:
            finished: (B, Nz, dim), the template's tokens behind the last layer, which AI layers attend to.
        """
        q, k, v = self.attn.queries_keys_values(self.norm1(x))
        if self._kind == "joint":
            return x + self.attn.attend(q, k, v)
        n = self._templates
        template = self.attn.attend(q[:, :, :n], k[:, :, :n], v[:, :, :n])
        frame = self.attn.attend(q[:, :, n:], *self._seen(k, v, finished))
        return x + torch.cat([template, frame], dim=1)

    def _seen(self, k: Tensor, v: Tensor, finished: Tensor) -> KeysValues:
        """Keys and values that the tokens of a frame see."""
        if self._kind == "asymmetric":
            return k, v
        k, v = k[:, :, self._templates :], v[:, :, self._templates :]
        if self._kind == "FE":
            return k, v
        keys, values = self.attn.keys_values(self.norm1(finished))
        return torch.cat([keys, k], 2), torch.cat([values, v], 2)


class MlpHalf(nn.Module):
    """The MLP with its norm and its residual; likewise."""

    def __init__(self, spec: TrackerSpec, variant: MlpVariant) -> None:
        super().__init__()
        self.norm2 = nn.LayerNorm(spec.dim, eps=NORM_EPS)
        self.mlp = Mlp(spec.dim, variant.hidden, spec.dim, kept=variant.dims)
        self.last = "mlp.fc2"

    def forward(self, x: Tensor, finished: Tensor) -> Tensor:
        """(B, N, dim) → (B, N, dim)."""
        out: Tensor = x + self.mlp(self.norm2(x))
        return out


Half = AttentionHalf | MlpHalf


def half_of(spec: TrackerSpec, variant: AttentionVariant | MlpVariant, state: State) -> Half:
    """The half of a layer that a variant is, in eval mode, with copies of its tensors `state`.

    Args:
        spec: The teacher's.
    """
    with torch.device("meta"):
        half = AttentionHalf(spec, variant) if isinstance(variant, AttentionVariant) else MlpHalf(spec, variant)
    half.load_state_dict({name: value.clone() for name, value in state.items()}, assign=True)
    return half.eval()
