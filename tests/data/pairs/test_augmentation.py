"""Augmentation: how often, to which crops, and that the box stays on the target."""

from __future__ import annotations

import numpy as np
import pytest

from compress.data.pairs import PairRecipe
from compress.data.pairs.augmentation import augmented

BOX = np.array([0.25, 0.5, 0.125, 0.25], np.float32)


def _crops() -> list[np.ndarray]:
    """A template and a search crop of 32 pixels: blue, with a yellow target of columns 6 to 10 and rows 12 to 20."""
    crop = np.full((32, 32, 3), (20, 40, 120), np.uint8)
    crop[12:20, 6:10] = (200, 160, 40)
    return [crop, crop.copy()]


def _many(recipe: PairRecipe, count: int = 1500) -> list[tuple[list[np.ndarray], np.ndarray]]:
    rng = np.random.default_rng(0)
    return [augmented(rng, _crops(), BOX, recipe) for _ in range(count)]


def _mirrored(crop: np.ndarray) -> bool:
    return bool(crop[16, 24, 0] > crop[16, 8, 0])


def test_nothing_is_drawn_for_nothing() -> None:
    rng = np.random.default_rng(0)
    crops, box = augmented(rng, _crops(), BOX, PairRecipe())
    assert all(np.array_equal(*both) for both in zip(crops, _crops(), strict=True))
    assert box is BOX
    assert rng.random() == np.random.default_rng(0).random()


def test_pairs_lose_their_colour_together() -> None:
    grey = np.array(
        [[(np.ptp(crop, axis=2) == 0).all() for crop in crops] for crops, _ in _many(PairRecipe(grayscale=0.05))]
    )
    assert (grey[:, 0] == grey[:, 1]).all()
    assert 0.03 < grey.mean() < 0.07
    luma = 0.299 * 20 + 0.587 * 40 + 0.114 * 120
    (crops, _) = augmented(np.random.default_rng(0), _crops(), BOX, PairRecipe(grayscale=1))
    assert abs(int(crops[1][0, 0, 0]) - luma) <= 1


def test_each_crop_has_a_brightness_of_its_own() -> None:
    factors = np.array([[crop[0, 0, 2] / 120 for crop in crops] for crops, _ in _many(PairRecipe(brightness=0.2))])
    np.testing.assert_allclose([factors.min(), factors.mean(), factors.max()], [0.8, 1.0, 1.2], atol=0.01)
    assert abs(np.corrcoef(factors.T)[0, 1]) < 0.1
    white = [np.full((4, 4, 3), 250, np.uint8)] * 20
    assert (
        max(crop.max() for crop in augmented(np.random.default_rng(0), white, BOX, PairRecipe(brightness=0.2))[0])
        == 255
    )


@pytest.mark.parametrize("centre", ["continuous", "pixel"])
def test_a_mirrored_target_is_where_its_box_says(centre: str) -> None:
    """Labels of either convention stay as far off the target as they were."""
    off = 0 if centre == "continuous" else 0.5 / 32
    crops, box = augmented(
        np.random.default_rng(0), _crops(), BOX - (off, off, 0, 0), PairRecipe(flip=1, label_centre=centre)
    )
    columns = np.flatnonzero(crops[-1][16, :, 0] == 200)
    assert (columns[0], columns[-1]) == (22, 25)
    np.testing.assert_allclose(box, (0.75 - off, 0.5 - off, 0.125, 0.25), atol=1e-6)


def test_pairs_are_mirrored_together_and_crops_by_themselves() -> None:
    joint = np.array([[_mirrored(crop) for crop in crops] for crops, _ in _many(PairRecipe(flip=0.5))])
    assert (joint[:, 0] == joint[:, 1]).all()
    assert 0.45 < joint.mean() < 0.55
    found = _many(PairRecipe(flip=0.5, crop_flip=0.5))
    single = np.array([[_mirrored(crop) for crop in crops] for crops, _ in found])
    assert 0.45 < (single[:, 0] == single[:, 1]).mean() < 0.55
    assert [bool(box[0] > 0.5) for _, box in found] == single[:, 1].tolist()
