from __future__ import annotations

import moocore
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


@pytest.mark.parametrize("objectives", [1, 2, 3])
def test_agrees_with_moocore(objectives: int) -> None:
    # Whole numbers, so that ties and equal points occur.
    points = np.random.default_rng(objectives).integers(0, 20, size=(200, objectives)).astype(float)
    assert pareto_mask(points).tolist() == moocore.is_nondominated(points, keep_weakly=True).tolist()
    assert nondominated_rank(points).tolist() == moocore.pareto_rank(points).tolist()


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
