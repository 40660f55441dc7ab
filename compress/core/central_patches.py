"""Which patches of a template go on, where only those near its middle do."""

from __future__ import annotations

import math
from functools import lru_cache


@lru_cache(maxsize=64)
def central_patches(side: int, share: float | None) -> tuple[int, ...]:
    """Indices of the patches of a square of side × side, row by row, that lie nearest its middle.

    The target lies in the middle of every template, in a square of 1 / template_factor of its side where it is as wide
    as high, so what is farthest from the middle is background. Patches that are equally far go on or leave together:
    what is kept has the symmetries of the square, and no side of the target is preferred.

    Args:
        share: Of the patches, in (0, 1): the fewest that are so many at least; None is all.
    """
    count = side**2
    if share is None:
        return tuple(range(count))
    # Distances from the middle squared, in halves of a patch.
    line = [(2 * i - side + 1) ** 2 for i in range(side)]
    distances = [row + column for row in line for column in line]
    farthest = sorted(distances)[max(1, math.ceil(share * count)) - 1]
    return tuple(i for i, distance in enumerate(distances) if distance <= farthest)
