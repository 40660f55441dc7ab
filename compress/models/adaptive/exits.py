"""Early exits: decisioners with a box head each (DyTrack, §III)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from compress.core import TrackerSpec
from compress.models.blocks import NORM_EPS, Block, init_linear
from compress.models.heads import Features, create_head, decode
from compress.models.tracker import TrackerOutput

# An exit that has learned nothing should not be trusted; lower, and the squared error would hardly move it.
_FIRST_SCORE = 0.1


class Exit(nn.Module):
    """Decisioner k: recycling, adapter, score, and the head behind a norm and a projection.

    Recycling takes what the adapter of the exit before put out, all tokens of it (Figure 5):
    `a` adds it to what this adapter puts out; `b` adds it to what this adapter reads; `c` puts its tokens in front of
    those that this adapter reads, and drops them again behind it, so without adapter layers it changes nothing; `d` is
    `b` with a residual gate, tanh(W₂ relu(W₁ r)) · r (LAVT's language gate).

    The score reads the IoU token behind the norm; only search tokens are projected, at the exit taken. The projection
    starts as the identity, the score at 0.1.
    """

    def __init__(self, spec: TrackerSpec, index: int) -> None:
        super().__init__()
        each, dim = spec.exits[index], spec.dim
        self.tokens, self.behind = spec.search_tokens, spec.extra_tokens
        self.recycling = spec.recycling if index else "none"
        hidden = spec.layers[each.after - 1].mlp_hidden
        self.adapter = nn.ModuleList(Block(dim, spec.heads, hidden) for _ in range(each.adapter))
        self.gate = _gate(dim) if self.recycling == "d" else None
        self.norm: nn.Module = nn.LayerNorm(dim, eps=NORM_EPS) if spec.final_norm else nn.Identity()
        self.proj = nn.Linear(dim, dim)
        self.score = _score(dim)
        for part in (self.adapter, self.gate):
            if part is not None:
                part.apply(init_linear)
        nn.init.eye_(self.proj.weight)
        nn.init.zeros_(self.proj.bias)
        self.head = create_head(spec)

    def forward(self, x: Tensor, recycled: Tensor | None) -> tuple[Tensor, Tensor]:
        """What stops or goes on: tokens (B, N, dim) of a frame after this exit's layers, and what is recycled.

        Returns:
            What this exit's head may read and the next exit may recycle (B, N, dim), and the score (B,), the IoU that
            this exit expects of its box.
        """
        adapted = self._adapt(x, recycled)
        logit: Tensor = self.score(self.norm(adapted[:, -1]))
        return adapted, logit.squeeze(1).sigmoid()

    def read(self, adapted: Tensor) -> Tensor:
        """The search tokens (B, N², dim) as the head reads them."""
        end = adapted.shape[1] - self.behind
        out: Tensor = self.proj(self.norm(adapted[:, end - self.tokens : end]))
        return out

    def answer(self, search: Tensor, score: Tensor) -> TrackerOutput:
        """From what `read` returned to the box; `score` (B,) is handed through."""
        maps = self.head(Features(search))
        return TrackerOutput(decode(maps)[0], score, maps)

    def _adapt(self, x: Tensor, recycled: Tensor | None) -> Tensor:
        tokens = x.shape[1]
        if recycled is not None and self.recycling == "b":
            x = x + recycled
        if recycled is not None and self.gate is not None:
            x = x + self.gate(recycled) * recycled
        if recycled is not None and self.recycling == "c" and len(self.adapter):
            x = torch.cat([recycled, x], dim=1)
        for block in self.adapter:
            x, _ = block(x)
        x = x[:, -tokens:]
        return x + recycled if recycled is not None and self.recycling == "a" else x


def _score(dim: int) -> nn.Sequential:
    """Three layers. Weights as small as the backbone's would pass on a 25th of what frames differ by (d = 192)."""
    hidden, last = (nn.Linear(dim, dim), nn.Linear(dim, dim)), nn.Linear(dim, 1)
    for layer in hidden:
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        nn.init.zeros_(layer.bias)
    init_linear(last)
    nn.init.constant_(last.bias, math.log(_FIRST_SCORE / (1 - _FIRST_SCORE)))
    return nn.Sequential(hidden[0], nn.ReLU(), hidden[1], nn.ReLU(), last)


def _gate(dim: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(dim, dim, bias=False), nn.ReLU(), nn.Linear(dim, dim, bias=False), nn.Tanh())
