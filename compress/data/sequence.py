"""What every source of test videos offers."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Sequence(Protocol):
    """One video with the true box of one object. Frames are read or drawn when asked for."""

    @property
    def name(self) -> str: ...

    @property
    def boxes(self) -> NDArray[np.float64]:
        """(n, 4) x, y, w, h in pixels."""
        ...

    @property
    def visible(self) -> NDArray[np.bool_]:
        """(n,) whether the object shows; frames where it does not are left out of the average overlap."""
        ...

    def __len__(self) -> int: ...

    def frame(self, index: int, /) -> NDArray[np.uint8]:
        """(H, W, 3) RGB."""
        ...
