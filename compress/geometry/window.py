"""The window that favours small motion."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@lru_cache(maxsize=None)
def hann_window(n: int) -> NDArray[np.float32]:
    """The (n, n) outer product of ½(1 − cos(2πk/(n+1))), k = 1…n; read-only, above 0 at the edges."""
    k = np.arange(1, n + 1, dtype=np.float32)
    line = np.float32(0.5) * (1 - np.cos(np.float32(2 * np.pi / (n + 1)) * k))
    window = np.outer(line, line)
    window.setflags(write=False)
    return window
