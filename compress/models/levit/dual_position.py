"""HiT's dual-image position encoding: which learned bias belongs to each pair of query and key (HiT, §3.2).

The template's grid sits below and to the right of the search grid, corner to corner: search cell (i, j) is the point
(i, j), template cell (i, j) the point (R + i, R + j) for a search grid of R × R. A pair's bias is that of its offset
(|Δrow|, |Δcolumn|), so an offset within the search crop and the same offset across the two crops share one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray


def halved(side: int) -> int:
    """Side of a grid of which every second row and column is kept, from the first on."""
    return (side + 1) // 2


@lru_cache(maxsize=64)
def bias_indices(search: int, template: int, *, shrink: bool = False) -> NDArray[np.int64]:
    """The number of the offset of every query and key, (queries, keys); search tokens come before template tokens.

    Offsets are numbered as they first appear, query by query. The array is shared and must not be written to.

    Args:
        search, template: Sides of the two grids that the keys lie on; without a template its side is 0.
        shrink: The queries are every second row and column of each grid; else they are the keys.
    """
    keys = _points(search, template)
    queries = 2 * _points(halved(search), halved(template)) if shrink else keys
    apart = np.abs(queries[:, None] - keys[None])
    code = apart[..., 0] * (apart.max() + 1) + apart[..., 1]
    _, met, places = np.unique(code, return_index=True, return_inverse=True)
    number = np.empty_like(met)
    number[met.argsort()] = np.arange(len(met))
    return number[places.reshape(code.shape)].astype(np.int64)


def _points(search: int, template: int) -> NDArray[Any]:
    """(search² + template², 2) rows and columns."""
    return np.concatenate([_grid(search), search + _grid(template)])


def _grid(side: int) -> NDArray[Any]:
    return np.stack(np.divmod(np.arange(side * side), max(side, 1)), axis=1)
