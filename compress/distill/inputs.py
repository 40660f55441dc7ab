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
    mean, std = (torch.tensor(each, device=crops.device)[:, None, None] for each in (MEAN, STD))
    # Planes first: arithmetic along rows of pixels is five times as fast as along their three channels.
    planes = crops.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format)
    return planes.div_(255).sub_(mean).div_(std)
