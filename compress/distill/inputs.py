"""What networks are trained on: the device, and crops as tensors."""

from __future__ import annotations

import torch
from torch import Tensor

from compress.core import UsageError
from compress.geometry.crop import MEAN, STD


def pick_device(device: str) -> torch.device:
    """The torch device for `auto`, `cpu` or `cuda`.

    Raises:
        UsageError: `cuda` is asked for and torch sees none.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda was asked for but torch sees no CUDA device here; use --device cpu or auto.")
    return torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")


def to_input(crops: Tensor) -> Tensor:
    """(B, S, S, 3) uint8 RGB crops to the network's (B, 3, S, S) normalised float32, on their own device."""
    mean = torch.tensor(MEAN, device=crops.device)
    std = torch.tensor(STD, device=crops.device)
    return ((crops.float() / 255 - mean) / std).permute(0, 3, 1, 2).contiguous()
