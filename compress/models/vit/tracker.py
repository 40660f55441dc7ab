"""Plain-ViT trackers: OSTrack, LiteTrack, MixFormerV2, ABTrack and DyTrack differ in their spec only."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from compress.core import ExecutionPath, TrackerSpec
from compress.models.adaptive.tracker import AdaptiveTracker
from compress.models.adaptive.tracking import track_adaptive
from compress.models.blocks import Block, Mlp
from compress.models.heads import Features
from compress.models.networks import NETWORKS
from compress.models.tracker import TrackerOutput
from compress.models.vit.backbone import VitBackbone
from compress.models.vit.elimination import centre_token, motion_prior, put_back


class VitTracker(AdaptiveTracker):
    """Joint (OSTrack), asymmetric (MixFormerV2) or FE and AI layers (LiteTrack) under any head.

    The tokens of a frame are: what is kept of the templates (joint only), the search crop's, learned ones.
    In FE/AI trackers the template goes through all layers by itself, and every AI layer takes its keys and values
    from those finished features, before any final norm.
    """

    motion_prior: Tensor | None

    def __init__(self, spec: TrackerSpec, *, drop_path: float = 0.0) -> None:
        super().__init__(spec)
        self.backbone = VitBackbone(spec, drop_path=drop_path)
        # It goes with the weights from device to device, but not into their files.
        prior = motion_prior(spec) if spec.keep_by == "motion" else None
        self.register_buffer("motion_prior", prior, persistent=False)
        self.target_token_embed = Mlp(4, 4, spec.dim) if spec.target_token else None
        self.add_decisions()

    def encode_template(
        self, template: Tensor, template_box: Tensor | None = None, online_template: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Everything per-frame work needs of the templates, computed once per sequence, or per renewed template.

        Joint trackers: `tokens` (B, Nz, dim). Others: `k{i}` and `v{i}` (B, heads, Nz, ·) of each layer i that attends
        to the templates. Without `template_box` a target token takes no part, as in LiteTrack's published training;
        LiteTrack's token is dropped after the last layer, so AI layers never see it directly.
        """
        templates = self.templates(template, online_template)
        tokens = self.template_tokens(templates, template_box)
        if self.spec.attention == "joint":
            return {"tokens": tokens}
        if self.spec.attention == "asymmetric":
            return self._encode_asymmetric(tokens)
        return self._encode_split(tokens, patches=self.spec.memory_patches)

    def track(
        self,
        search: Tensor,
        memory: dict[str, Tensor],
        *,
        collect: bool = False,
        every_exit: bool = False,
        forced_path: ExecutionPath | None = None,
    ) -> TrackerOutput:
        """One frame: search crops (B, 3, Sx, Sx) against what `encode_template` returned; options as of `forward`."""
        if forced_path is not None:
            forced_path.check(self.spec)
        if self.bypass is None and self.exits is None:
            return self._track(search, memory, collect)
        path = forced_path or ExecutionPath()
        return track_adaptive(self, search, memory, collect=collect, every_exit=every_exit, forced_path=path)

    def frame_tokens(self, search: Tensor, memory: dict[str, Tensor]) -> Tensor:
        """The tokens (B, N, dim) of a frame as they enter the first layer."""
        parts = [memory["tokens"]] if "tokens" in memory else []
        parts.append(self.backbone.embed_search(search))
        parts += self.backbone.learned_tokens(search.shape[0])
        return torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]

    def layer(self, i: int, x: Tensor, memory: dict[str, Tensor]) -> Tensor:
        """Layer i on the tokens (B, N, dim) of a frame; eliminates none."""
        out, _ = self.backbone.blocks[i](x, (memory[f"k{i}"], memory[f"v{i}"]) if f"k{i}" in memory else None)
        return cast(Tensor, out)

    def features(self, x: Tensor, candidates: int | None = None, places: Tensor | None = None) -> Features:
        """What the head reads, from the tokens (B, N, dim) behind the last layer.

        Args:
            candidates, places: After elimination, the number of search tokens left and where they belong.
        """
        # What was eliminated is zero to the head, so it is put back after the norm, not before.
        candidates = candidates or self.spec.search_tokens
        x = self.backbone.norm(x[:, -(candidates + self.spec.extra_tokens) :])
        final = put_back(self.search_tokens(x, candidates), places, self.spec.search_tokens)
        return Features(final, x[:, candidates:] if self.spec.extra_tokens else None)

    def search_tokens(self, x: Tensor, count: int) -> Tensor:
        """The search tokens among all, `count` of them."""
        end = x.shape[1] - self.spec.extra_tokens
        return x[:, end - count : end]

    def _track(self, search: Tensor, memory: dict[str, Tensor], collect: bool) -> TrackerOutput:
        x = self.frame_tokens(search, memory)
        layers, places, candidates = [], None, self.spec.search_tokens
        prior = None if self.motion_prior is None else self.motion_prior.to(x)
        for i, left in enumerate(self.spec.search_tokens_kept(self._keep_share)):
            if self.spec.layers[i].keep is None:
                x = self.layer(i, x, memory)
            else:
                x, kept = self._eliminate(cast(Block, self.backbone.blocks[i]), x, candidates, left, prior)
                places = kept if places is None else places.gather(1, kept)
                prior = None if prior is None else prior.expand(len(x), -1).gather(1, kept)
            candidates = left
            if collect:
                layers.append(put_back(self.search_tokens(x, left), places, self.spec.search_tokens))
        features = self.features(x, candidates, places)
        out = self.answer(features)
        return out._replace(layers=(*layers[:-1], features.search)) if collect else out

    def _eliminate(
        self, block: Block, x: Tensor, candidates: int, keep: int, prior: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        token = centre_token(self.spec) - self.spec.memory_patches - candidates
        return block.eliminate(x, token=token, candidates=candidates, keep=keep, prior=prior)

    def template_tokens(self, templates: list[Tensor], template_box: Tensor | None) -> Tensor:
        """The tokens (B, Nz, dim) of templates (B, 3, Sz, Sz) as they enter the first layer."""
        tokens = [self.backbone.embed_template(each) for each in templates]
        if self.target_token_embed is not None and template_box is not None:
            tokens.insert(0, self.target_token_embed(template_box).unsqueeze(1))
        return torch.cat(tokens, dim=1) if len(tokens) > 1 else tokens[0]

    def _encode_asymmetric(self, tokens: Tensor) -> dict[str, Tensor]:
        memory: dict[str, Tensor] = {}
        for i, block in enumerate(self.backbone.blocks):
            tokens, (k, v) = block(tokens)
            memory |= {f"k{i}": k, f"v{i}": v}
        return memory

    def _encode_split(self, tokens: Tensor, *, patches: int) -> dict[str, Tensor]:
        for block in self.backbone.blocks:
            tokens, _ = block(tokens)
        tokens = tokens[:, -patches:]
        memory: dict[str, Tensor] = {}
        for i, layer in enumerate(self.spec.layers):
            if layer.attention == "AI":
                memory[f"k{i}"], memory[f"v{i}"] = cast(Block, self.backbone.blocks[i]).keys_values(tokens)
        return memory


NETWORKS.register("vit", VitTracker)
