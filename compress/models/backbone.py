"""The plain ViT under a tracker: patches, positions, blocks, final norm. Keys follow OSTrack's names."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from compress.core import TrackerSpec
from compress.models.blocks import NORM_EPS, Block


class PatchEmbed(nn.Module):
    """(B, 3, S, S) → (B, (S / patch)², dim), row by row."""

    def __init__(self, dim: int, patch: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, dim, patch, stride=patch)

    def forward(self, image: Tensor) -> Tensor:
        tokens: Tensor = self.proj(image).flatten(2).transpose(1, 2)
        return tokens


class Backbone(nn.Module):
    """What template and search share. `drop_path` rises linearly from 0 at the first layer to its value."""

    def __init__(self, spec: TrackerSpec, *, drop_path: float = 0.0) -> None:
        super().__init__()
        template_patches = (spec.template_size // spec.patch) ** 2
        self.patch_embed = PatchEmbed(spec.dim, spec.patch)
        self.pos_embed_z = nn.Parameter(torch.zeros(1, template_patches, spec.dim))
        self.pos_embed_x = nn.Parameter(torch.zeros(1, spec.search_tokens, spec.dim))
        rates = [drop_path * i / max(1, len(spec.layers) - 1) for i in range(len(spec.layers))]
        self.blocks = nn.ModuleList(
            Block(
                spec.dim,
                spec.heads,
                layer.mlp_hidden,
                attn_dims=layer.attn_dims,
                mlp_dims=layer.mlp_dims,
                drop_path=rate,
            )
            for layer, rate in zip(spec.layers, rates, strict=True)
        )
        self.norm: nn.Module = nn.LayerNorm(spec.dim, eps=NORM_EPS) if spec.final_norm else nn.Identity()
        self.apply(_init_linear)
        nn.init.trunc_normal_(self.pos_embed_z, std=0.02)
        nn.init.trunc_normal_(self.pos_embed_x, std=0.02)

    def embed_template(self, template: Tensor) -> Tensor:
        """(B, 3, Sz, Sz) → (B, Nz, dim)."""
        tokens: Tensor = self.patch_embed(template) + self.pos_embed_z
        return tokens

    def embed_search(self, search: Tensor) -> Tensor:
        """(B, 3, Sx, Sx) → (B, Nx, dim)."""
        tokens: Tensor = self.patch_embed(search) + self.pos_embed_x
        return tokens


def _init_linear(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
