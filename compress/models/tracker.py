"""`Tracker`: a network built from a `TrackerSpec`, with template work apart from per-frame work."""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from compress.core import TrackerSpec, UsageError
from compress.models.backbone import Backbone
from compress.models.blocks import Block, Mlp
from compress.models.elimination import centre_token, put_back
from compress.models.head import CentreHead, decode


class TrackerOutput(NamedTuple):
    """What a tracker says about a batch of search crops.

    Attributes:
        boxes: (B, 4) cx, cy, w, h in shares of the search crop, read at the highest score, without a window.
        score: (B,) the highest score.
        maps: `score_map` (B, 1, N, N), `size_map` and `offset_map` (B, 2, N, N).
        layers: Search tokens (B, N², dim) after every layer, the last after the final norm; None unless asked for.
            Those eliminated are zero.
    """

    boxes: Tensor
    score: Tensor
    maps: dict[str, Tensor]
    layers: tuple[Tensor, ...] | None = None


class Tracker(nn.Module):
    """Plain-ViT tracker: OSTrack (joint), MixFormerV2's attention (asymmetric) and LiteTrack (FE and AI layers).

    In FE/AI trackers the template goes through all layers by itself, and every AI layer takes its keys and values
    from those finished features, before any final norm.
    """

    def __init__(self, spec: TrackerSpec, *, drop_path: float = 0.0) -> None:
        super().__init__()
        self.spec = spec
        self.backbone = Backbone(spec, drop_path=drop_path)
        self.box_head = CentreHead(spec.dim, spec.head.channels)
        self.target_token_embed = Mlp(4, 4, spec.dim) if spec.target_token else None

    def forward(
        self,
        template: Tensor,
        search: Tensor,
        online_template: Tensor | None = None,
        template_box: Tensor | None = None,
        *,
        collect: bool = False,
    ) -> TrackerOutput:
        """Track from normalised crops, `template` (B, 3, Sz, Sz) and `search` (B, 3, Sx, Sx).

        Args:
            online_template: For trackers that renew their template; none built here does.
            template_box: (B, 4) x1, y1, x2, y2 in shares of the template crop, for the target token.
            collect: Also return the search tokens after every layer.

        Raises:
            UsageError: crops of another shape, or an online template.
        """
        self._check(template, search, online_template)
        return self.track(search, self.encode_template(template, template_box), collect=collect)

    def encode_template(self, template: Tensor, template_box: Tensor | None = None) -> dict[str, Tensor]:
        """Everything per-frame work needs of the template (B, 3, Sz, Sz), computed once per sequence.

        Joint trackers: `tokens` (B, Nz, dim). Others: `k{i}` and `v{i}` (B, heads, Nz, ·) of each layer i that looks
        at the template. Without `template_box` a target token takes no part, as in LiteTrack's published training;
        LiteTrack's token is dropped after the last layer, so AI layers never see it directly.
        """
        tokens = self._template_tokens(template, template_box)
        if self.spec.attention == "joint":
            return {"tokens": tokens}
        if self.spec.attention == "asymmetric":
            return self._encode_asymmetric(tokens)
        return self._encode_split(tokens)

    def track(self, search: Tensor, memory: dict[str, Tensor], *, collect: bool = False) -> TrackerOutput:
        """One frame: search crops (B, 3, Sx, Sx) against what `encode_template` returned."""
        x = self.backbone.embed_search(search)
        if "tokens" in memory:
            x = torch.cat([memory["tokens"], x], dim=1)
        layers, places, candidates = [], None, self.spec.search_tokens
        for i, (block, left) in enumerate(zip(self.backbone.blocks, self.spec.search_tokens_after, strict=True)):
            if self.spec.layers[i].keep is None:
                x, _ = block(x, (memory[f"k{i}"], memory[f"v{i}"]) if f"k{i}" in memory else None)
            else:
                x, kept = self._eliminate(cast(Block, block), x, candidates, left)
                places = kept if places is None else places.gather(1, kept)
            candidates = left
            if collect:
                layers.append(put_back(x[:, -left:], places, self.spec.search_tokens))
        # What was eliminated is zero to the head, so it is put back after the norm, not before.
        final = put_back(self.backbone.norm(x[:, -candidates:]), places, self.spec.search_tokens)
        maps = self.box_head(final.transpose(1, 2).reshape(-1, self.spec.dim, self.spec.grid, self.spec.grid))
        boxes, score = decode(maps)
        return TrackerOutput(boxes, score, maps, (*layers[:-1], final) if collect else None)

    def _eliminate(self, block: Block, x: Tensor, candidates: int, keep: int) -> tuple[Tensor, Tensor]:
        token = centre_token(self.spec) - self.backbone.pos_embed_z.shape[1] - candidates
        return block.eliminate(x, token=token, candidates=candidates, keep=keep)

    def _template_tokens(self, template: Tensor, template_box: Tensor | None) -> Tensor:
        tokens = self.backbone.embed_template(template)
        if self.target_token_embed is None or template_box is None:
            return tokens
        return torch.cat([self.target_token_embed(template_box).unsqueeze(1), tokens], dim=1)

    def _encode_asymmetric(self, tokens: Tensor) -> dict[str, Tensor]:
        memory: dict[str, Tensor] = {}
        last = len(self.backbone.blocks) - 1
        for i, block in enumerate(self.backbone.blocks):
            if i == last:
                k, v = cast(Block, block).keys_values(tokens)
            else:
                tokens, (k, v) = block(tokens)
            memory |= {f"k{i}": k, f"v{i}": v}
        return memory

    def _encode_split(self, tokens: Tensor) -> dict[str, Tensor]:
        for block in self.backbone.blocks:
            tokens, _ = block(tokens)
        tokens = tokens[:, -self.backbone.pos_embed_z.shape[1] :]
        memory: dict[str, Tensor] = {}
        for i, layer in enumerate(self.spec.layers):
            if layer.attention == "AI":
                memory[f"k{i}"], memory[f"v{i}"] = cast(Block, self.backbone.blocks[i]).keys_values(tokens)
        return memory

    def _check(self, template: Tensor, search: Tensor, online_template: Tensor | None) -> None:
        if online_template is not None:
            raise UsageError("This tracker takes no online template; call it without one.")
        sizes = {"template": (template, self.spec.template_size), "search": (search, self.spec.search_size)}
        for name, (crop, size) in sizes.items():
            if tuple(crop.shape[1:]) != (3, size, size):
                raise UsageError(f"The {name} must have shape (B, 3, {size}, {size}) but has {tuple(crop.shape)}.")


def build(spec: TrackerSpec, *, drop_path: float = 0.0) -> Tracker:
    """A tracker with fresh weights, in train mode. `drop_path`: stochastic depth of the last layer (linear from 0).

    Raises:
        UsageError: unless 0 ≤ `drop_path` < 1.
    """
    if not 0 <= drop_path < 1:
        raise UsageError(f"drop_path must be in [0, 1) but is {drop_path}.")
    return Tracker(spec, drop_path=drop_path)
