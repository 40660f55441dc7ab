"""The rule that filled the published MixFormerV2, MixViT and HiT networks: every value follows from its name."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor


def filled(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """A state dict, by its published keys, of floating-point values (and zeros for `num_batches_tracked`)."""
    return {key: torch.from_numpy(_value(key, tuple(shape))) for key, shape in shapes.items()}


def crop(name: str, size: int) -> Tensor:
    """A (1, 3, size, size) normalised crop: `template`, `online_template`, `online_template2` or `search`."""
    return torch.from_numpy(_normal(name, (1, 3, size, size)))


def _value(key: str, shape: tuple[int, ...]) -> Any:
    if key.endswith("num_batches_tracked"):
        return np.zeros(shape, dtype=np.int64)
    return _float_value(key, shape, _normal(key, shape)).astype(np.float32, copy=False)


def _float_value(key: str, shape: tuple[int, ...], z: Any) -> Any:
    """Constants are float32, as numpy makes them beside float32 arrays."""
    if key.endswith("running_var"):
        return 1 + np.abs(0.2 * z)
    if len(shape) == 1:
        return 1 + 0.2 * z if key.endswith(".weight") else 0.1 * z
    if key.endswith("attention_biases"):
        return z
    return 0.5 * z if len(shape) == 3 else z * np.float32(1 / np.sqrt(np.prod(shape[1:])))


def _normal(name: str, shape: tuple[int, ...]) -> Any:
    return np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape).astype(np.float32)
