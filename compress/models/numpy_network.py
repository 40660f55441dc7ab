"""A tracker behind numpy arrays, for the frame loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from compress.models.tracker import Tracker


class NumpyNetwork:
    """Runs `model`, moved to `device` and set to eval mode, without gradients."""

    def __init__(self, model: Tracker, device: str | torch.device = "cpu") -> None:
        self._device = torch.device(device)
        self._model = model.to(self._device).eval()

    @torch.inference_mode()
    def encode_template(self, template: NDArray[Any], template_box: NDArray[Any] | None = None) -> dict[str, Tensor]:
        """`template` (1, 3, Sz, Sz); `template_box` (4,) or (1, 4) x1, y1, x2, y2 in shares of the crop."""
        box = None if template_box is None else self._tensor(template_box).reshape(1, 4)
        return self._model.encode_template(self._tensor(template), box)

    @torch.inference_mode()
    def track(self, search: NDArray[Any], memory: dict[str, Tensor]) -> dict[str, NDArray[np.float32]]:
        """`search` (1, 3, Sx, Sx) → `score_map`, `size_map`, `offset_map`, each (1, C, N, N)."""
        maps = self._model.track(self._tensor(search), memory).maps
        return {name: value.float().cpu().numpy() for name, value in maps.items()}

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)).to(self._device)
