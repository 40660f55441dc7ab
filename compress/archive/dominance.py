"""Pareto dominance on plain arrays: points are (n, m), one row per tracker, one column per objective."""

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
    """Which of `points` (n, m) no other one dominates; equal points stand together. Returns (n,).

    Args:
        directions: One per objective; all `minimize` where None.

    Raises:
        ValueError: a NaN, or directions that do not fit the points.
    """
    return _mask(_minimised(points, directions))


def nondominated_rank(points: Points, directions: Sequence[Direction] | None = None) -> npt.NDArray[np.int64]:
    """Rank 0 for the Pareto front, 1 for the front once that is taken away, and so on. Returns (n,).

    Non-dominated sorting (Deb et al., NSGA-II, 2002, section III.A).

    Raises:
        ValueError: a NaN, or directions that do not fit the points.
    """
    values = _minimised(points, directions)
    ranks = np.full(len(values), -1, dtype=np.int64)
    rank = 0
    while (left := np.flatnonzero(ranks < 0)).size:
        ranks[left[_mask(values[left])]] = rank
        rank += 1
    return ranks


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


def _mask(values: _Array) -> npt.NDArray[np.bool_]:
    # One row at a time: memory stays O(n), where a full comparison would hold n² rows.
    beaten = [bool(np.any(np.all(values <= row, axis=1) & np.any(values < row, axis=1))) for row in values]
    return ~np.array(beaten, dtype=np.bool_)
