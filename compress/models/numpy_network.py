"""A tracker behind numpy arrays, for the frame loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from compress.models.fuse import fused
from compress.models.tracker import Tracker


class NumpyNetwork:
    """Runs a `fused` copy of `model` on `device`, without gradients; what `model` learns later is not seen."""

    def __init__(self, model: Tracker, device: str | torch.device = "cpu") -> None:
        self._device = torch.device(device)
        self._model = fused(model).to(self._device)

    @torch.inference_mode()
    def encode_template(
        self,
        template: NDArray[Any],
        template_box: NDArray[Any] | None = None,
        online_template: NDArray[Any] | None = None,
    ) -> dict[str, Tensor]:
        """Once per sequence, and whenever an online template is renewed.

        Args:
            template: (1, 3, Sz, Sz).
            template_box: (4,) or (1, 4) x1, y1, x2, y2 in shares of the crop.
            online_template: (1, K, 3, Sz, Sz); None takes the template again.
        """
        box = None if template_box is None else self._tensor(template_box).reshape(1, 4)
        online = None if online_template is None else self._tensor(online_template)
        return self._model.encode_template(self._tensor(template), box, online)

    @torch.inference_mode()
    def track(self, search: NDArray[Any], memory: dict[str, Tensor]) -> dict[str, NDArray[np.float32]]:
        """`search` (1, 3, Sx, Sx) → the maps of `TrackerSpec.maps`, with a batch of one."""
        maps = self._model.track(self._tensor(search), memory).maps
        return {name: value.float().cpu().numpy() for name, value in maps.items()}

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)).to(self._device)
