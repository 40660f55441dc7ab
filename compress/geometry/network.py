"""What the frame loop asks of a tracker, whatever runs it: torch, onnxruntime or numpy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Maps: TypeAlias = Mapping[str, NDArray[np.float32]]
"""The head's maps, named and shaped as in `TrackerSpec.maps`, with a batch of one."""


class Network(Protocol):
    """Template work apart from per-frame work."""

    def encode_template(
        self,
        template: NDArray[np.float32],
        template_box: NDArray[np.float32] | None,
        online_template: NDArray[np.float32] | None = None,
    ) -> Any:
        """Once per sequence, and again whenever an online template is renewed.

        Args:
            template: (1, 3, T, T) normalised crop.
            template_box: (1, 4) x1, y1, x2, y2 over the crop's side; None for trackers without a target token.
            online_template: (1, K, 3, T, T) for a tracker with K online templates; None takes the template again.

        Returns:
            Whatever `track` needs; the loop only hands it on.
        """
        ...

    def track(self, search: NDArray[np.float32], memory: Any) -> Maps:
        """Once per frame: a (1, 3, S, S) normalised crop to the head's maps."""
        ...
