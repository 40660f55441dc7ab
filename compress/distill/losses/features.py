"""Mimicry of the teacher's features."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def feature_loss(features: Tensor, teacher: Tensor, *, normalised: bool = True) -> Tensor:
    """Feature mimicry of one matched layer: mean squared difference of (B, N, d) tokens.

    Tokens that either side has eliminated, which are all zero, say nothing and are left out.

    Args:
        normalised: Each token is normalised over d first; MixFormerV2 (Eq. 6) compares them as they are.
    """
    alive = teacher.any(-1) & features.any(-1)
    if normalised:
        features, teacher = (F.layer_norm(x, x.shape[-1:]) for x in (features, teacher))
    per_token = (features - teacher).square().mean(-1)
    return (per_token * alive).sum() / alive.sum().clamp_min(1)
