"""Networks filled by a rule that names every value, so that published code and this one can be compared."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor


def filled(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """A state dict whose every tensor follows from its key and shape."""
    return {key: torch.from_numpy(_value(key, shape)) for key, shape in shapes.items()}


def crop(name: str, size: int) -> Tensor:
    """A (1, 3, size, size) normalised crop, `template` or `search`."""
    return torch.from_numpy(_rng(name).standard_normal((1, 3, size, size)).astype(np.float32))


def _value(key: str, shape: tuple[int, ...]) -> Any:
    if key.endswith("num_batches_tracked"):
        return np.zeros(shape, dtype=np.int64)
    return _float_value(key, shape, _rng(key).standard_normal(shape)).astype(np.float32)


def _float_value(key: str, shape: tuple[int, ...], z: Any) -> Any:
    if key.endswith(".running_var"):
        return 1 + 0.1 * np.abs(z)
    if len(shape) == 1 and key.endswith(".weight"):
        return 1 + 0.1 * z
    if key.endswith((".gamma_1", ".gamma_2")):
        return 0.5 + 0.1 * z
    if key == "box_head.conv5_size.bias":
        return -1.7 + 0.1 * z
    if len(shape) == 1:
        return 0.1 * z
    if len(shape) == 3:
        return 0.2 * z
    gain = 2 if key.startswith("box_head.") else 1
    return z * np.sqrt(gain / np.prod(shape[1:]))


def _rng(name: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(name.encode()))
