"""MixFormerV2's head: a distribution over coordinates for each side of the box, from four prediction tokens."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from compress.models.heads.corner import box_between, expected_coordinate
from compress.models.heads.features import Features

_ORDER = "lrtb"
"""The prediction tokens' sides, in the order of the published weights."""

_SIDES = "ltrb"


class TokensHead(nn.Module):
    """One MLP with layer norms for all four tokens, and with `score` another for the score (paper, §3.1)."""

    def __init__(self, dim: int, bins: int, *, score: bool) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Sequential(nn.Linear(dim, dim), nn.LayerNorm(dim), nn.ReLU()),
            nn.Sequential(nn.Linear(dim, bins), nn.LayerNorm(bins)),
        )
        hidden = nn.Sequential(nn.Linear(dim, dim), nn.ReLU())
        self.score = nn.Sequential(hidden, nn.Linear(dim, 1)) if score else None

    def forward(self, features: Features) -> dict[str, Tensor]:
        """First four extra tokens → `prob_l`, `prob_t`, `prob_r`, `prob_b` (B, bins), each adding up to one.

        With a score head also `pred_scores` (B,), the logit of the target being in sight: the tokens' mean.
        """
        assert features.extra is not None
        tokens = features.extra[:, :4]
        probs = self.layers(tokens).softmax(-1)
        maps = {f"prob_{side}": probs[:, _ORDER.index(side)] for side in _SIDES}
        return maps if self.score is None else maps | {"pred_scores": self.score(tokens).mean((1, 2))}


def decode_tokens(maps: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Box between the expected sides: boxes (B, 4) as cx, cy, w, h in shares of the crop, and score (B,).

    The score is the sigmoid of `pred_scores`, or without them the mean of the four peaks. Nothing keeps right
    right of left, so a width or a height may be negative.
    """
    probs = torch.stack([maps[f"prob_{side}"] for side in _SIDES], dim=1)
    score = maps["pred_scores"].sigmoid() if "pred_scores" in maps else probs.amax(2).mean(1)
    return box_between(expected_coordinate(probs)), score
