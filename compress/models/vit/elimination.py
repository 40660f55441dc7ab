"""Eliminating search tokens: which token of the template ranks them, what is expected of motion, what the head sees."""

from __future__ import annotations

import torch
from torch import Tensor

from compress.core import TrackerSpec

MOTION_SIGMA = 1.0
"""Standard deviation of the motion prior, in sides of the box: of a square with the box's area."""


def centre_token(spec: TrackerSpec) -> int:
    """Index among the template's tokens of the patch whose attention ranks candidates: 27 of 8 × 8, 65 of 12 × 12.

    That patch is in the middle, so it is among those that go on.
    """
    side = spec.template_size // spec.patch
    return spec.template_places.index((side - 1) // 2 * (side + 1))


def motion_prior(spec: TrackerSpec) -> Tensor:
    """(1, N) weights of the search tokens, row by row: exp(−d² / 2σ²), d from a token's centre to the last box's.

    As in MaST, which ranks tokens by a Gaussian around the last box times their attention to the template's centre;
    its σ is not published where this could be read, so `MOTION_SIGMA` is this package's own choice.

    The prior is a constant of the spec, and no network takes the last box as an input: the search crop is cut out
    around that box, and its side is `search_factor` times the root of the box's area. So the box lies in the middle of
    every crop, a square of its area has a side of 1 / `search_factor` of the crop's, and only its aspect ratio varies,
    which a round Gaussian leaves aside. In training the crop is cut out around a box that was shifted and scaled,
    which stands for the last one.
    """
    sigma = MOTION_SIGMA / spec.search_factor
    line = (torch.arange(spec.grid, device="cpu") + 0.5) / spec.grid - 0.5
    weights = torch.exp(-(line**2) / (2 * sigma**2))
    return torch.outer(weights, weights).reshape(1, -1)


def put_back(x: Tensor, places: Tensor | None, tokens: int) -> Tensor:
    """Tokens (B, n, dim) at their `places` (B, n) among `tokens`, zeros elsewhere; None has all in place already."""
    if places is None:
        return x
    everything = torch.zeros(x.shape[0], tokens, x.shape[2], dtype=x.dtype, device=x.device)
    return everything.scatter(1, places[:, :, None].expand(-1, -1, x.shape[2]), x)
