"""Crops of pairs: labels as published, jitter, what is rejected, and one step in place of padding and resizing."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from compress.data.pairs import Jitter, PairRecipe, crops, jittered
from compress.data.pairs.crops import Cut, box_in_crop, cut_out, holds_target, is_usable, shows_enough
from compress.geometry import ReducedFrame, crop_target, crop_window

GOLDEN = np.load(Path(__file__).parents[1] / "training.npz")
NOISE = np.random.default_rng(0).integers(0, 256, (200, 320, 3), dtype=np.uint8)
SOFT = cv2.normalize(cv2.GaussianBlur(NOISE, (0, 0), 2), np.empty(0), 20, 255, cv2.NORM_MINMAX)


def _frame(image: np.ndarray) -> ReducedFrame:
    return ReducedFrame(image, 1, image.shape[1], image.shape[0])


def _box(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)


@pytest.mark.parametrize(("factor", "size"), [(4, 256), (5, 384), (2, 128)])
def test_labels_are_the_published_ones(factor: float, size: int) -> None:
    """And half a pixel of the crop further where boxes are to be mapped back as trackers do it."""
    rows = zip(GOLDEN["crop_gt"], GOLDEN["crop_jittered"], GOLDEN[f"crop_box_norm_f{factor}_s{size}"], strict=True)
    for truth, around, (x, y, w, h) in rows:
        cut = Cut(around.astype(float), factor, size)
        found = box_in_crop(truth.astype(float), cut, "pixel")
        np.testing.assert_allclose(found, [x + w / 2, y + h / 2, w, h], atol=1e-6)
        shifted = box_in_crop(truth.astype(float), cut, "continuous") - found
        np.testing.assert_allclose(shifted, [0.5 / size, 0.5 / size, 0, 0], atol=1e-6)


@pytest.mark.parametrize("box", [(110, 60, 60, 50), (-20, -14, 60, 50), (280, 170, 60, 50)])
def test_a_crop_of_a_whole_frame_is_the_trackers(box: tuple[float, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Sampled in one step it is that to two grey levels, but where the frame ends: a tracker's crop lacks the last row
    and column there, as published."""
    size, cut = 64, Cut(_box(*box), 2.0, 64)
    found, wanted = cut_out(_frame(SOFT), cut), crop_target(SOFT, cut.around, factor=cut.factor, size=size).image
    assert np.array_equal(found, wanted)
    monkeypatch.setattr(crops, "_MOST_PADDED", 10)
    found = cut_out(_frame(SOFT), cut)
    left, top, side = crop_window(cut.around, cut.factor)
    across, down = ((np.arange(size) + 0.5) * side / size + corner for corner in (left, top))
    inner = np.ix_(np.abs(down - 200) > 3, np.abs(across - 320) > 3)
    assert np.abs(found.astype(int) - wanted)[inner].max() <= 2
    assert (found == 0).all(2).sum() == pytest.approx((wanted == 0).all(2).sum(), rel=0.1)


def test_a_crop_that_is_enlarged_without_end_takes_no_memory() -> None:
    assert not cut_out(_frame(SOFT), Cut(_box(-1e6, -1e6, 2e6, 2e6), 4.0, 32)).any()


def test_jitter_is_as_wide_as_the_recipe_says() -> None:
    rng, box = np.random.default_rng(1), _box(100, 50, 40, 90)
    for jitter in (Jitter(3.0, 0.25), Jitter(4.5, 0.5), Jitter(3.0, 0.25, cut=2.5)):
        found = np.array([jittered(rng, box, jitter) for _ in range(2000)])
        sides = np.log(found[:, 2:] / box[2:])
        np.testing.assert_allclose(sides.std(), jitter.scale, rtol=0.06)
        off = found[:, :2] + found[:, 2:] / 2 - box[:2] - box[2:] / 2
        share = off / np.sqrt(found[:, 2] * found[:, 3])[:, None]
        assert 0.48 * jitter.centre < np.abs(share).max() <= 0.5 * jitter.centre
        assert (np.abs(sides).max() > 2.5 * jitter.scale + 1e-9) == (jitter.cut is None)


def test_crops_that_no_feature_sees_are_rejected() -> None:
    """A crop of 256 of which the frame fills columns 250 on: no sixteenth column, though some pixels."""
    frame, box = _frame(np.zeros((300, 300, 3), np.uint8)), _box(10, 100, 30, 30)
    cut = Cut(_box(-154, 70, 64, 64), 4.0, 256)
    assert shows_enough(frame, box, cut, PairRecipe())
    assert not shows_enough(frame, box, cut, PairRecipe(mask_stride=16))
    assert shows_enough(frame, box, cut._replace(around=_box(-144, 70, 64, 64)), PairRecipe(mask_stride=16))
    assert not shows_enough(frame, box, cut._replace(around=_box(-160, 70, 64, 64)), PairRecipe())
    assert not shows_enough(frame, box, cut._replace(around=_box(396, 70, 64, 64)), PairRecipe())
    assert not shows_enough(frame, box, cut._replace(around=_box(30, 396, 64, 64)), PairRecipe())


def test_crops_of_too_much_or_too_little_are_rejected() -> None:
    frame, cut = _frame(np.zeros((100, 200, 3), np.uint8)), Cut(_box(50, 50, 20, 20), 4.0, 64)
    whole, half, gone = _box(50, 50, 20, 20), _box(190, 30, 20, 20), _box(150, 50, 20, 20)
    assert shows_enough(frame, half, cut, PairRecipe(min_in_frame=0.5))
    assert not shows_enough(frame, half, cut, PairRecipe(min_in_frame=0.51))
    assert shows_enough(frame, whole, cut, PairRecipe(max_crop=0.4))
    assert not shows_enough(frame, whole, cut, PairRecipe(max_crop=0.39))
    assert holds_target(whole, cut, PairRecipe(min_in_crop=1.0))
    assert holds_target(gone, cut, PairRecipe())
    assert not holds_target(gone, cut, PairRecipe(min_in_crop=0.1))
    # From 20 to 100 across, of which the box covers the last 5 of its 20.
    assert holds_target(_box(95, 50, 20, 20), cut, PairRecipe(min_in_crop=0.25))
    assert not holds_target(_box(95, 50, 20, 20), cut, PairRecipe(min_in_crop=0.26))


@pytest.mark.parametrize(
    "box", [(0, 0, 0, 5), (0, 0, -1, -1), (np.nan, 0, 4, 4), (0, 0, np.inf, 4), (0, 0, 1e20, 1e20)]
)
def test_boxes_that_cannot_be_cut_around(box: tuple[float, ...]) -> None:
    assert not is_usable(_box(*box), 4.0)
    assert is_usable(_box(5, 5, 0.1, 0.1), 4.0)
