from __future__ import annotations

import numpy as np
import pytest

from compress.archive import dominates, nondominated_rank, pareto_mask

# Each letter is a point, its column the first objective and its row (from the top) the second, both minimised.
PICTURE = """
. . . a . d
. b . . . .
. . b . e .
c . . . d .
. c . . . e
"""


def test_picture_of_fronts() -> None:
    rows = [line.split() for line in PICTURE.strip().splitlines()]
    points = {(x, y): mark for y, line in enumerate(rows) for x, mark in enumerate(line) if mark != "."}
    # Worked out by hand: (3,0), (1,1), (0,3) stand; then (5,0), (2,2), (1,4); then (4,2); then (4,3); then (5,4).
    expected = {(3, 0): 0, (1, 1): 0, (0, 3): 0, (5, 0): 1, (2, 2): 1, (1, 4): 1, (4, 2): 2, (4, 3): 3, (5, 4): 4}
    ranks = nondominated_rank(list(points))
    assert dict(zip(points, ranks.tolist(), strict=True)) == expected


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [([1, 1], [2, 2], True), ([1, 2], [2, 1], False), ([1, 1], [1, 1], False), ([1, 1], [1, 2], True)],
)
def test_dominates(a: list[int], b: list[int], expected: bool) -> None:
    assert dominates(a, b) is expected
    assert dominates([-x for x in a], [-x for x in b], ["maximize", "maximize"]) is expected


def test_directions() -> None:
    points = [[1.0, 0.5], [2.0, 0.6], [2.0, 0.4]]
    assert pareto_mask(points, ["minimize", "maximize"]).tolist() == [True, True, False]
    assert pareto_mask(points).tolist() == [True, False, True]


def _by_hand(points: np.ndarray) -> tuple[list[bool], list[int]]:
    """Mask and ranks by comparing each point with each other one."""
    ranks: dict[int, int] = {}
    while len(ranks) < len(points):
        left = [i for i in range(len(points)) if i not in ranks]
        front = [i for i in left if not any(dominates(points[j], points[i]) for j in left)]
        ranks |= dict.fromkeys(front, max(ranks.values(), default=-1) + 1)
    found = [ranks[i] for i in range(len(points))]
    return [rank == 0 for rank in found], found


@pytest.mark.parametrize("objectives", [1, 2, 3, 4])
@pytest.mark.parametrize("directions", [None, "maximize", "mixed"])
def test_agrees_with_comparing_every_pair(objectives: int, directions: str | None) -> None:
    # Whole numbers, so that ties and equal points occur, and infinities.
    points = np.random.default_rng(objectives).integers(0, 7, size=(60, objectives)).astype(float)
    points[::9, 0] = np.inf
    kinds = ["minimize" if directions == "mixed" and i % 2 else "maximize" for i in range(objectives)]
    signs = np.array([-1 if directions and kind == "maximize" else 1 for kind in kinds])
    mask, ranks = _by_hand(points * signs)
    given = kinds if directions else None
    assert pareto_mask(points, given).tolist() == mask  # type: ignore[arg-type]
    assert nondominated_rank(points, given).tolist() == ranks  # type: ignore[arg-type]


def test_points_are_left_as_they_were() -> None:
    points = np.array([[1.0, 2.0], [2.0, 1.0]])
    pareto_mask(points, ["maximize", "minimize"])
    assert points.tolist() == [[1.0, 2.0], [2.0, 1.0]]


def test_nothing_to_compare() -> None:
    assert pareto_mask([]).tolist() == []
    assert nondominated_rank([], ["minimize", "maximize"]).tolist() == []


@pytest.mark.parametrize("points", [[[1.0, float("nan")]], [1.0, 2.0]])
def test_refuses_what_is_no_point(points: object) -> None:
    with pytest.raises(ValueError, match="points"):
        pareto_mask(points)  # type: ignore[arg-type]


def test_refuses_wrong_directions() -> None:
    with pytest.raises(ValueError, match="directions"):
        pareto_mask([[1.0, 2.0]], ["minimize"])
