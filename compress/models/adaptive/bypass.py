"""Bypass decision modules: which layers a frame does without (ABTrack, §3.2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from compress.core import TrackerSpec

# At the start p = 0.27 for every frame: nothing is skipped, so a tracker that is given bypass starts as it was.
_BIAS = -1.0


class Bypass(nn.Module):
    """One linear layer for every skippable layer, reading the bypass token as it enters that layer (Eq. 1)."""

    def __init__(self, spec: TrackerSpec) -> None:
        super().__init__()
        self.token = -2 if spec.exits else -1
        self.rho = 1.0 if spec.bypass is None else spec.bypass.rho
        self.gates = nn.ModuleDict({str(i): _gate(spec.dim) for i in spec.skippable})

    def forward(self, layer: int, x: Tensor) -> Tensor:
        """Tokens (B, N, dim) about to enter a layer → the probability (B,) of skipping it."""
        logit: Tensor = self.gates[str(layer)](x[:, self.token])
        return logit.squeeze(1).sigmoid()

    def skips(self, probability: Tensor) -> Tensor:
        """Whether to skip: p > ρ."""
        return probability > self.rho


def straight_through(before: Tensor, after: Tensor, probability: Tensor, skip: Tensor) -> Tensor:
    """The output of a layer in training: `before` (B, N, dim) where it is skipped, else `after`, and nothing between.

    The paper leaves open how gradients pass its hard decision. Here the forward value is the hard one, so that what
    is trained is the network that will run, while 1 − p receives the gradient of a gate on after − before:
    decisions learn what computing the layer would change, weights learn from the frames that use them only.
    """
    hard = torch.where(skip[:, None, None], before, after)
    keep = 1 - probability
    gate = (keep - keep.detach())[:, None, None].to(hard.dtype)
    return hard + gate * (after - before).detach()


def _gate(dim: int) -> nn.Linear:
    gate = nn.Linear(dim, 1)
    nn.init.zeros_(gate.weight)
    nn.init.constant_(gate.bias, _BIAS)
    return gate
