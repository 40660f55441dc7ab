"""Boxes around regions, and masks against their pixels."""

from __future__ import annotations

import numpy as np
import pytest

from compress.data.regions import region_box, region_corners


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("1,2,30.5,40", [1, 2, 30.5, 40]),
        ("0,10,20,0,40,30,5,35", [0, 0, 40, 35]),
        ("1,1,5,1,5,9", [1, 1, 4, 8]),
        ("nan,nan,nan,nan", [0, 0, 0, 0]),
        ("1,1,nan,1,5,9,2,2", [0, 0, 0, 0]),
        ("0", [0, 0, 0, 0]),
        ("m0,0,0,0,0", [0, 0, 0, 0]),
        ("m5,6,4,2,8", [0, 0, 0, 0]),
        ("1,2,-3,4", None),
        ("1,2,3", None),
        ("1,2,3,4,5", None),
        ("1,2,3,x", None),
        ("1,2,3,inf", None),
        ("m1,2,3", None),
        ("m1,2,3,4,0,13", None),
        ("m1,2,3,4,0,-1", None),
        ("mm1,2,3,4,0,1", None),
        ("m1,2,3,4,nan,1", None),
        ("", None),
    ],
)
def test_regions(text: str, box: list[float] | None) -> None:
    assert region_box(text.split(",")) == box


def test_boxes_around_masks_are_those_of_their_pixels() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        height, width = rng.integers(1, 7, 2)
        mask = rng.random((height, width)) < rng.choice([0.1, 0.5, 0.9])
        flat = np.concatenate([[False], mask.ravel()])
        ends = np.flatnonzero(np.diff(flat.astype(int)))
        runs = np.diff([0, *ends, mask.size])
        text = f"m-2,7,{width},{height},{','.join(map(str, runs))}"
        rows, columns = np.nonzero(mask)
        wanted = [0.0] * 4
        if len(rows):
            spans = np.ptp(columns) + 1, np.ptp(rows) + 1
            wanted = [float(value) for value in (columns.min() - 2, rows.min() + 7, *spans)]
        assert region_box(text.split(",")) == wanted, mask


def test_corners_are_kept_where_all_regions_are_polygons_of_one_kind() -> None:
    square, nothing, box = ["0", "0", "4", "0", "4", "4", "0", "4"], ["0"], ["1", "2", "3", "4"]
    found = region_corners([square, nothing, square])
    assert found is not None
    np.testing.assert_array_equal(found[0], [0, 0, 4, 0, 4, 4, 0, 4])
    assert np.isnan(found[1]).all()
    assert region_corners([square, box]) is None
    assert region_corners([square, square[:6]]) is None
    assert region_corners([nothing, ["m1,2,3,4,0,1"]]) is None
