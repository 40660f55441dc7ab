"""Pareto dominance by moocore: points are (n, m), one row per tracker, one column per objective.

Here directions are normalised and NaN, which compares with nothing, is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Direction = Literal["minimize", "maximize"]
Points = npt.ArrayLike
_Array = npt.NDArray[Any]


def dominates(a: Points, b: Points, directions: Sequence[Direction] | None = None) -> bool:
    """Whether point `a` (m,) is nowhere worse than `b` (m,) and somewhere better.

    Raises:
        ValueError: a NaN, or directions that do not fit the points.
    """
    first, second = _minimised(np.stack([np.asarray(a), np.asarray(b)]), directions)
    return bool(np.all(first <= second) and np.any(first < second))


def pareto_mask(points: Points, directions: Sequence[Direction] | None = None) -> npt.NDArray[np.bool_]:
    """Which of `points` (n, m) no other one dominates; equal points are both kept or both not. Returns (n,).

    Args:
        directions: One per objective; all `minimize` where None.

    Raises:
        ValueError: a NaN, or directions that do not fit the points.
    """
    import moocore

    values = _minimised(points, directions)
    if not len(values):
        return np.zeros(0, dtype=np.bool_)
    return np.asarray(moocore.is_nondominated(values, keep_weakly=True), dtype=np.bool_)


def nondominated_rank(points: Points, directions: Sequence[Direction] | None = None) -> npt.NDArray[np.int64]:
    """Rank 0 for the Pareto front, 1 for the front once that is taken away, and so on. Returns (n,).

    Non-dominated sorting (Deb et al., NSGA-II, 2002, section III.A); equal points have equal ranks.

    Raises:
        ValueError: a NaN, or directions that do not fit the points.
    """
    import moocore

    values = _minimised(points, directions)
    if not len(values):
        return np.zeros(0, dtype=np.int64)
    # Places in each column's order dominate as the values do, and are finite: moocore 0.3 ranks infinities wrongly.
    places = np.column_stack([np.unique(column, return_inverse=True)[1] for column in values.T])
    return np.asarray(moocore.pareto_rank(places.astype(np.float64)), dtype=np.int64)


def _minimised(points: Points, directions: Sequence[Direction] | None) -> _Array:
    """`points` as (n, m) float64 in which smaller is better everywhere."""
    values = np.array(points, dtype=np.float64)
    if values.size == 0:
        return values.reshape(0, len(directions or ()))
    if values.ndim != 2:
        raise ValueError(f"points must be (n, m) but are {values.shape}")
    if np.isnan(values).any():
        raise ValueError("points hold NaN, which nothing can dominate")
    if directions is not None:
        if len(directions) != values.shape[1] or set(directions) - {"minimize", "maximize"}:
            raise ValueError(f"directions {list(directions)} do not fit points of {values.shape[1]} objectives")
        values[:, [d == "maximize" for d in directions]] *= -1
    return values
