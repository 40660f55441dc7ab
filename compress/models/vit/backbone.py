"""The plain ViT under a tracker: patches, positions, blocks, final norm. Keys follow OSTrack's names."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from compress.core import TrackerSpec
from compress.models.blocks import NORM_EPS, Block, init_linear


class PatchEmbed(nn.Module):
    """(B, 3, S, S) → (B, (S / patch)², dim), row by row."""

    def __init__(self, dim: int, patch: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, dim, patch, stride=patch)

    def forward(self, image: Tensor) -> Tensor:
        if self.training and image.device.type == "cpu":
            return F.linear(self._patches(image), self.proj.weight.flatten(1), self.proj.bias)
        tokens: Tensor = self.proj(image).flatten(2).transpose(1, 2)
        return tokens

    def _patches(self, image: Tensor) -> Tensor:
        """(B, (S / patch)², 3 · patch²). As a matrix product a convolution without overlap has faster gradients."""
        batch, channels, height, width = image.shape
        side = self.proj.stride[0]
        cells = image.reshape(batch, channels, height // side, side, width // side, side)
        return cells.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)


class VitBackbone(nn.Module):
    """What template and search share. `drop_path` rises linearly from 0 at the first layer to its value."""

    template_places: Tensor | None

    def __init__(self, spec: TrackerSpec, *, drop_path: float = 0.0) -> None:
        super().__init__()
        self.patch_embed = PatchEmbed(spec.dim, spec.patch)
        self.pos_embed_z = _positions(spec, spec.template_patches)
        self.pos_embed_x = _positions(spec, spec.search_tokens)
        # From numpy, so that it holds values even where a network is made on the meta device.
        places = None if spec.keep_template is None else torch.from_numpy(np.array(spec.template_places))
        self.register_buffer("template_places", places, persistent=False)
        self.extra_tokens = nn.Parameter(torch.zeros(1, spec.extra_tokens, spec.dim)) if spec.extra_tokens else None
        rates = [drop_path * i / max(1, len(spec.layers) - 1) for i in range(len(spec.layers))]
        self.blocks = nn.ModuleList(
            Block(
                spec.dim,
                spec.heads,
                layer.mlp_hidden,
                attn_dims=layer.attn_dims,
                mlp_dims=layer.mlp_dims,
                heads_left=layer.heads,
                drop_path=rate,
            )
            for layer, rate in zip(spec.layers, rates, strict=True)
        )
        # Each exit has a norm of its own.
        norm = spec.final_norm and not spec.exits
        self.norm: nn.Module = nn.LayerNorm(spec.dim, eps=NORM_EPS) if norm else nn.Identity()
        self.apply(init_linear)
        if self.extra_tokens is not None:
            nn.init.trunc_normal_(self.extra_tokens, std=0.02)

    def embed_template(self, template: Tensor) -> Tensor:
        """(B, 3, Sz, Sz) → (B, Nz, dim), the patches that go on."""
        tokens: Tensor = self.patch_embed(template) + self.pos_embed_z
        return tokens if self.template_places is None else tokens[:, self.template_places]

    def embed_search(self, search: Tensor) -> Tensor:
        """(B, 3, Sx, Sx) → (B, Nx, dim)."""
        tokens: Tensor = self.patch_embed(search) + self.pos_embed_x
        return tokens

    def learned_tokens(self, batch: int) -> list[Tensor]:
        """(B, E, dim), the tokens of `TrackerSpec.extra_tokens`; nothing where there are none."""
        return [] if self.extra_tokens is None else [self.extra_tokens.expand(batch, -1, -1)]


def sincos_positions(side: int, dim: int) -> Tensor:
    """(1, side², dim): sine and cosine of the column in the first half of the channels, of the row in the second.

    Frequencies fall from 1 to 1/10000 (MAE, MixFormerV2), in single precision as the published tables are.
    """
    frequency = 1 / 10000 ** (np.arange(dim // 4, dtype=np.float32) / (dim // 4))
    angle = np.arange(side, dtype=np.float32)[:, None] * frequency
    line = np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
    columns, rows = np.tile(line, (side, 1)), np.repeat(line, side, axis=0)
    return torch.from_numpy(np.concatenate([columns, rows], axis=1))[None]


def resized_positions(table: Tensor, side: int) -> Tensor:
    """Learned positions (1, N², dim) for a grid of another side: (1, side², dim), bicubic, as ViTs change resolution.

    Gradients reach `table`.
    """
    old = math.isqrt(table.shape[1])
    grid = table.transpose(1, 2).reshape(1, -1, old, old)
    return F.interpolate(grid, size=side, mode="bicubic", align_corners=False).flatten(2).transpose(1, 2)


def _positions(spec: TrackerSpec, patches: int) -> nn.Parameter:
    if spec.position == "sincos":
        return nn.Parameter(sincos_positions(math.isqrt(patches), spec.dim), requires_grad=False)
    return nn.Parameter(nn.init.trunc_normal_(torch.zeros(1, patches, spec.dim), std=0.02))
